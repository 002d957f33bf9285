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

/// Longest time between two heartbeats of a node that is ready (kubernetes/kubernetes v1.30.0,
/// pkg/kubelet/apis/config/v1beta1/defaults.go: NodeStatusReportFrequency).
constexpr std::chrono::minutes longest_silence{5};

/// Does the read. Its failure is noted, and ends nothing.
awaitable<void> tolerated(awaitable<void> read, DisplayText& unread) {
  try {
    co_await std::move(read);
  } catch (const Failure& failure) {
    unread = failure.detail.empty() ? failure.what() : failure.detail;
  }
}

awaitable<void> take_events(Kubectl downstream, json::value& events) {
  events = co_await downstream.get(commands::failed_sandboxes(), event_trim());
}

awaitable<void> take_nodes(Kubectl downstream, json::value& nodes) {
  nodes = co_await downstream.get(commands::nodes(), node_trim());
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
                                                        NamespaceName name_space,
                                                        std::set<Uid> pods) {
  auto query = commands::failed_sandboxes(name_space);
  const auto events = co_await downstream.get(std::move(query), event_trim());
  co_return latest_rejected(events, pods);
}

awaitable<NewPods> observe_new_pods(const Clusters& clusters, NamespaceName name_space,
                                    Observation seen) {
  NewPods found;
  const auto& agents = agent_pods(seen.downstream.pods);
  json::value events;
  json::value nodes;
  std::vector<awaitable<void>> reads;
  reads.push_back(tolerated(take_events(clusters.downstream, events), found.unread));
  reads.push_back(tolerated(take_nodes(clusters.downstream, nodes), found.unread));
  const auto waits =
      std::any_of(agents.begin(), agents.end(), [](const Pod& pod) { return !pod.ready; });
  DisplayText ignored;
  if (waits) {
    reads.push_back(
        tolerated(take_warnings(clusters.downstream, std::move(name_space), found), ignored));
    reads.push_back(tolerated(take_rancher_ca(clusters.local, found), ignored));
  }
  co_await wait_all(std::move(reads));
  found.no_node = why_no_node(nodes);
  // This machine's clock may be ahead of the cluster's: then the heartbeats tell the time.
  auto now = seen.seen_at.value_or(std::chrono::sys_seconds{});
  if (const auto heard = latest_heartbeat(nodes); heard != std::chrono::sys_seconds{}) {
    now = std::min(now, heard + longest_silence);
  }
  found.rejected = latest_rejected(events, now - fresh_event);
  co_return found;
}

}  // namespace retrust
