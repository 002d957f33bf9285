#include "observe/observe_affected.h"

#include <functional>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/trim.h"
#include "process/deadline.h"
#include "process/tasks.h"
#include "tools/query.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Limit of pages of 500 objects each, above any cluster seen.
constexpr int most_pages = 400;
/// Time limit of a list: nobody waits longer for what is only told.
constexpr std::chrono::seconds longest_list{30};
/// Limit of restarts: a list that takes longer than the server remembers will not be faster the
/// next time.
constexpr int most_restarts = 2;

/// Limit of APIServices that are told.
constexpr std::size_t most_apis = 100;

/// Receives the items of a list, and is told if the list begins again.
struct Taker {
  std::function<void(const json::value& item)> take;
  std::function<void()> begin_again;
};

/// Reads a list page by page, so that no more than a page is in memory.
awaitable<void> read_pages(Kubectl kubectl, ApiRead list, Trim trim, Taker taker) {
  const Deadline end(longest_list);
  std::string more;
  auto restarts = 0;
  for (auto page = 0; page < most_pages; ++page) {
    if (end.over()) {
      throw Failure(ExitStatus::failed,
                    fmt::format("the list was not complete after {}", duration_text(longest_list)));
    }
    auto expired = false;
    json::value document;
    try {
      document = co_await kubectl.get_raw(list.page(more), trim);
    } catch (const KubectlFailure& failure) {
      expired = !more.empty() && is_expired(failure) && restarts++ < most_restarts;
      if (!expired) throw;
    }
    if (expired) {
      more.clear();
      taker.begin_again();
      continue;
    }
    if (!list.is_list(document)) throw Failure(ExitStatus::failed, "the answer is no such list");
    for (const auto& item : array_at(document, "/items")) taker.take(item);
    more = text_at(document, "/metadata/continue");
    if (more.empty()) co_return;
  }
  throw Failure(ExitStatus::failed, "the list does not end");
}

/// The reason why a list is unknown, for a sentence.
std::string trouble_of(const Failure& failure, std::string_view not_allowed) {
  const auto* told = dynamic_cast<const KubectlFailure*>(&failure);
  if (told != nullptr && told->kind == KubectlError::forbidden) return std::string(not_allowed);
  return failure.what();
}

awaitable<void> count_workloads(Kubectl downstream, NamespaceName agents_namespace,
                                Affected& found) {
  const auto since = utc_text(*found.since);
  WorkloadCount count;
  Taker taker{[&](const json::value& pod) {
                if (!text_at(pod, "/metadata/name").empty()) count.add(pod);
              },
              [&] { count.clear(); }};
  try {
    co_await read_pages(downstream,
                        ApiRead::list(Resource::pods).with_field("status.phase", "Running"),
                        old_pod_trim(agents_namespace, since), std::move(taker));
    found.look = Affected::Look::done;
    std::tie(found.workloads, found.more) = count.result();
  } catch (const Failure& failure) {
    found.look = Affected::Look::unknown;
    found.workloads.clear();
    found.more = 0;
    found.trouble = trouble_of(failure, "not allowed to list pods in all namespaces");
  }
}

awaitable<void> find_unavailable(Kubectl downstream, Affected& found) {
  Taker taker{[&](const json::value& service) {
                auto api = unavailable(service);
                if (api && found.apis.size() < most_apis) found.apis.push_back(std::move(*api));
              },
              [&] { found.apis.clear(); }};
  try {
    co_await read_pages(downstream, ApiRead::list(Resource::api_services), api_service_trim(),
                        std::move(taker));
  } catch (const Failure& failure) {
    found.apis.clear();
    found.api_trouble = trouble_of(failure, "not allowed to list APIServices");
  }
}

}  // namespace

awaitable<void> observe_affected(Kubectl downstream, NamespaceName agents_namespace,
                                 Observation& seen) {
  auto& found = seen.affected;
  found = {};
  // kubectl hides managedFields from 1.21 on, but not in a raw answer.
  const auto path =
      ApiRead::object(Resource::config_maps, agents_namespace, "kube-root-ca.crt").path();
  json::value map;
  try {
    map = co_await downstream.get_raw(path);
  } catch (const Failure&) {
    // Kubernetes has no such ConfigMap before 1.20. Another read tells of any other failure.
    co_return;
  }
  const auto now = seen.seen_at.value_or(
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  auto change = ca_change(map, seen.local.cluster.stored.ca_pem, now);
  if (change.state == CaChange::State::none) co_return;
  found.recent = change.recent;
  std::vector<awaitable<void>> questions;
  if (change.state == CaChange::State::changed) {
    found.since = change.at;
    questions.push_back(count_workloads(downstream, std::move(agents_namespace), found));
  } else {
    found.look = Affected::Look::unknown;
    found.trouble = std::move(change.why);
  }
  if (found.recent) questions.push_back(find_unavailable(downstream, found));
  co_await wait_all(std::move(questions));
}

awaitable<void> count_affected_again(Kubectl downstream, NamespaceName agents_namespace,
                                     Affected& affected) {
  if (!affected.since || (affected.workloads.empty() && affected.more == 0)) co_return;
  co_await count_workloads(std::move(downstream), std::move(agents_namespace), affected);
}

}  // namespace retrust
