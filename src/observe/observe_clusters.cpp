#include "observe/observe_clusters.h"

#include <optional>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "observe/commands.h"
#include "observe/kubeconfig.h"
#include "observe/kubeconfig_mistakes.h"
#include "observe/kubeconfig_registration.h"
#include "observe/login.h"
#include "observe/observe.h"
#include "observe/parse.h"
#include "process/tasks.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// An answer, or why there is none.
struct Answer {
  std::optional<json::value> value;
  DisplayText unread = {};

  const json::value* get() const { return value ? &*value : nullptr; }
};

awaitable<void> ask(Kubectl local, Query query, Trim trim, Answer& answer) {
  auto found = co_await local.get(std::move(query), std::move(trim));
  answer.value = std::move(found);
}

/// Asks for what the list also works without.
awaitable<void> ask_beside(Kubectl local, Query query, Trim trim, Answer& answer) {
  try {
    co_await ask(local, std::move(query), std::move(trim), answer);
  } catch (const KubectlFailure& failure) {
    // Rancher 2.0 to 2.5 have the same types, but a cluster may lack one.
    const auto unreadable = failure.kind == KubectlError::forbidden ||
                            failure.kind == KubectlError::not_found ||
                            failure.kind == KubectlError::no_such_type;
    if (!unreadable) throw;
    answer.unread = failure.what();
  }
}

/// The failure of the question for the clusters. A cluster without this resource type answers a
/// path of it with 404, which is no word about a cluster.
std::exception_ptr without_type(const std::exception_ptr& end) {
  try {
    if (end) std::rethrow_exception(end);
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::not_found && failure.kind != KubectlError::no_such_type) {
      return end;
    }
    return std::make_exception_ptr(KubectlFailure(
        KubectlError::no_such_type,
        Failure(FailureCode::wrong_cluster,
                "the cluster of --local-kubeconfig has no clusters.management.cattle.io: Rancher "
                "does not run there",
                "give the kubeconfig of the cluster that Rancher itself runs in, not one of a "
                "downstream cluster",
                failure.detail)));
  } catch (...) {
    return end;
  }
  return end;
}

void tell_unread(ClusterList& list, std::string_view what, const Answer& answer) {
  if (answer.unread.empty()) return;
  list.unread.push_back(fmt::format("{} is unknown: {}", what, answer.unread));
}

}  // namespace

awaitable<ClusterList> observe_clusters(Kubectl local, Redactor& redactor, Journal journal,
                                        Digests digests) {
  json::value config;
  Answer clusters;
  Answer version;
  Answer secrets;
  Answer registrations;
  const auto executor = co_await boost::asio::this_coro::executor;
  Gate gate(executor);
  KubeconfigRegistration registration(gate, redactor, 1);
  const auto gated = local.behind(gate);
  std::vector<awaitable<void>> questions;
  questions.push_back(registration.read(local, config));
  questions.push_back(ask(gated, commands::clusters(), listed_cluster_trim(digests), clusters));
  questions.push_back(ask_beside(gated, commands::rancher_version(), {}, version));
  questions.push_back(
      ask_beside(gated, commands::credential_secrets(), credential_trim(digests), secrets));
  questions.push_back(ask_beside(gated, commands::agents_registration_tokens(), registration_trim(),
                                 registrations));
  auto ends = co_await all_settled(std::move(questions));
  registration.check();
  const auto end = told_by_kubeconfig(with_login_advice(ends[1], config, gated), config, gated);
  if (end) std::rethrow_exception(without_type(end));
  for (const auto& each : ends) {
    if (each) std::rethrow_exception(each);
  }
  warn_if_unverified(local, parse_kubeconfig(config), journal);

  ClusterList list;
  list.clusters =
      listed_clusters({clusters.get(), version.get(), secrets.get(), registrations.get()});
  // A secret in a name must show nowhere, not even in the name of a folder.
  for (auto& cluster : list.clusters) {
    cluster.display_name = DisplayText(redactor.mask(cluster.display_name.str()));
  }
  if (version.value) list.rancher = parse_rancher(*version.value).version_text;
  tell_unread(list, "Rancher's version", version);
  tell_unread(list, "whether Rancher has the clusters' tokens", secrets);
  tell_unread(list, "the end of the registration tokens", registrations);
  co_return list;
}

}  // namespace retrust
