#include "steps/deletion.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"

namespace retrust {
namespace {

/// True if a line of `kubectl delete` reports the deletion: `secret "x" deleted`, from 1.34 on
/// `secret "x" deleted from cattle-system namespace`, `pod "x" force deleted`, with `-o name`
/// `secret/x`; a dry run says so in parentheses (kubernetes/kubectl kubernetes-1.35.0,
/// pkg/cmd/delete/delete.go, PrintObj).
bool reports(std::string_view line, std::string_view kind, std::string_view name) {
  if (line == fmt::format("{}/{}", kind, name)) return true;
  const auto quoted = fmt::format("{} \"{}\" ", kind, name);
  if (!line.starts_with(quoted) || line.ends_with("dry run)")) return false;
  const auto rest = line.substr(quoted.size());
  return rest.starts_with("deleted") || rest.starts_with("force deleted");
}

}  // namespace

std::vector<ObjectName> not_reported(const Deletion& deletion, std::string_view printed) {
  std::vector<ObjectName> names;
  for (const auto& each : deletion.uids) names.push_back(each.first);
  // Kubectl may print megabytes: no copy of the lines is made.
  while (!printed.empty() && !names.empty()) {
    const auto line = printed.substr(0, printed.find('\n'));
    std::erase_if(
        names, [&](const ObjectName& name) { return reports(line, deletion.kind, name.text()); });
    printed.remove_prefix(std::min(line.size() + 1, printed.size()));
  }
  return names;
}

boost::asio::awaitable<std::vector<ObjectName>> check_deleted(Kubectl kubectl, Deletion deletion,
                                                              std::string printed) {
  std::vector<ObjectName> left;
  const auto unreported = not_reported(deletion, printed);
  for (const auto& name : unreported) {
    auto args = deletion.kind == "pod" ? commands::pod(deletion.name_space, name)
                                       : commands::secret(deletion.name_space, name);
    const auto object = co_await kubectl.find(std::move(args));
    if (!object) continue;
    const auto same = deletion.uids[name] == text_at(*object, "/metadata/uid");
    if (same && text_at(*object, "/metadata/deletionTimestamp").empty()) left.push_back(name);
  }
  if (left.empty()) co_return unreported;
  throw Failure(
      ExitStatus::failed,
      fmt::format("kubectl ended with status 0, but did not delete {} {} ({})", deletion.kind,
                  enumerated(texts_of(left)), deletion.name_space),
      Advice("look for defaults of delete in ~/.kube/kuberc (kubectl 1.33 and later), then run "
             "again; by hand",
             kubectl.shown(deletion.kind == "pod"
                               ? commands::delete_pods(deletion.name_space, left)
                               : commands::delete_secrets(deletion.name_space, left))),
      printed);
}

boost::asio::awaitable<std::vector<ObjectName>> delete_exactly(Kubectl kubectl, Deletion deletion) {
  std::vector<ObjectName> gone;
  for (const auto& [name, uid] : deletion.uids) {
    // kubernetes/apimachinery kubernetes-1.35.0, pkg/apis/meta/v1/types.go, Preconditions.
    boost::json::object options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    options["preconditions"] = boost::json::object{{"uid", uid.text()}};
    auto text = boost::json::serialize(options);
    auto args = commands::delete_secret_with(deletion.name_space, name);
    auto others = false;
    try {
      co_await kubectl.change_given(std::move(args), text, text);
    } catch (const KubectlFailure& failure) {
      others = failure.kind == KubectlError::not_found || failure.kind == KubectlError::conflict;
      if (!others) throw;
      // An earlier attempt, whose answer was lost, may have deleted it.
      if (failure.repeated) others = false;
    }
    if (others) gone.push_back(name);
  }
  co_return gone;
}

}  // namespace retrust
