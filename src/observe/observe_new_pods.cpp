#include "observe/observe_new_pods.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/trim.h"
#include "process/tasks.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Does the read. Its failure is noted, and ends nothing.
awaitable<void> tolerated(awaitable<void> read, DisplayText& unread) {
  try {
    co_await std::move(read);
  } catch (const KubectlFailure& failure) {
    unread = failure.detail.empty() ? failure.what() : failure.detail;
  }
}

awaitable<void> take_rejected(Kubectl downstream, std::chrono::sys_seconds since, NewPods& found) {
  found.rejected = co_await read_rejected(std::move(downstream), since);
}

awaitable<void> take_nodes(Kubectl downstream, NewPods& found) {
  const auto nodes = co_await downstream.get(commands::nodes(), node_trim());
  found.no_node = why_no_node(nodes);
}

awaitable<void> take_warnings(Kubectl downstream, NamespaceName name_space, NewPods& found) {
  const auto events = co_await downstream.get(commands::warnings(name_space), event_trim());
  found.warnings = pod_warnings(events);
}

awaitable<void> take_rancher_ca(Kubectl local, NewPods& found) {
  const auto setting = co_await local.find(commands::rancher_ca());
  if (!setting) co_return;
  auto value = text_at(*setting, "/value");
  if (value.empty()) value = text_at(*setting, "/default");
  found.rancher_ca = agents_checksum(std::move(value));
}

}  // namespace

awaitable<std::optional<RejectedSandbox>> read_rejected(Kubectl downstream,
                                                        std::chrono::sys_seconds since,
                                                        NamespaceName name_space) {
  auto query = commands::failed_sandboxes(name_space);
  const auto events = co_await downstream.get(std::move(query), event_trim());
  co_return latest_rejected(events, since);
}

awaitable<NewPods> observe_new_pods(const Clusters& clusters, NamespaceName name_space,
                                    Observation seen) {
  NewPods found;
  const auto& agents = agent_pods(seen.downstream.pods);
  const auto since = seen.seen_at.value_or(std::chrono::sys_seconds{}) - fresh_event;
  std::vector<awaitable<void>> reads;
  reads.push_back(tolerated(take_rejected(clusters.downstream, since, found), found.unread));
  reads.push_back(tolerated(take_nodes(clusters.downstream, found), found.unread));
  const auto waits =
      std::any_of(agents.begin(), agents.end(), [](const Pod& pod) { return !pod.ready; });
  DisplayText ignored;
  if (waits) {
    reads.push_back(
        tolerated(take_warnings(clusters.downstream, std::move(name_space), found), ignored));
    reads.push_back(tolerated(take_rancher_ca(clusters.local, found), ignored));
  }
  co_await wait_all(std::move(reads));
  co_return found;
}

}  // namespace retrust
