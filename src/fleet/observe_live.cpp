#include "fleet/observe_live.h"

#include <functional>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/live_comparison.h"
#include "process/tasks.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// What the questions to all clusters share.
struct Asking {
  KubectlFor kubectl;
  const std::vector<Match>& matches;
  NamespaceName name_space;
  std::vector<ListedCluster>& clusters;
  std::vector<LiveWay> ways;
};

/// Throws Failure if the cluster is not the one that was matched.
awaitable<LiveComparison> ask(const Asking& asking, const Match& match,
                              const ListedCluster& cluster) {
  const auto kubectl =
      asking.kubectl(match.context.file, match.context.name).within(longest_answer);
  // A token secret of another namespace is none that the matched account can have.
  auto wanted = cluster;
  if (wanted.digests.name_space != asking.name_space) wanted.digests.secret = {};
  const auto list = co_await kubectl.get(
      commands::live_credentials(asking.name_space, wanted.digests.secret), live_trim());
  const auto live = live_digests(list, wanted);
  if (live.kube_system_uid != match.kube_system_uid) {
    throw Failure(FailureCode::wrong_cluster, "it leads to another cluster than a moment ago",
                  "run the command again");
  }
  co_return compare_live(wanted, live);
}

awaitable<void> ask_one(Asking& asking, std::size_t index) {
  const auto& way = asking.ways[index];
  const auto& match = asking.matches[way.match];
  auto& cluster = asking.clusters[way.cluster];
  Live live;
  live.kubeconfig = match.context.file;
  live.context = match.context.name;
  if (way.contradicted_by) {
    live.result = Live::Result::unclear;
    live.trouble =
        fmt::format("two different clusters show that they are {}: {}; and {}", cluster.id,
                    text_of(match.context), text_of(asking.matches[*way.contradicted_by].context));
  } else {
    try {
      live.comparison = co_await ask(asking, match, cluster);
      live.result = result_of(live.comparison);
    } catch (const Failure& failure) {
      live.trouble = one_line(failure.in_full());
    }
  }
  cluster.live = std::move(live);
}

bool leads_somewhere(const Match& match) {
  using enum Match::Result;
  return match.result == proven || match.result == several || match.result == repeated;
}

}  // namespace

std::vector<LiveWay> live_ways(const std::vector<Match>& matches,
                               const std::vector<ListedCluster>& clusters) {
  std::map<ClusterId, std::size_t> listed;
  for (std::size_t i = 0; i < clusters.size(); ++i) listed.emplace(clusters[i].id, i);
  std::map<std::size_t, LiveWay> by_cluster;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (!leads_somewhere(matches[i])) continue;
    for (const auto& id : matches[i].clusters) {
      const auto found = listed.find(id);
      if (found == listed.end()) continue;
      auto& way = by_cluster.try_emplace(found->second, LiveWay{found->second, i}).first->second;
      if (matches[way.match].kube_system_uid != matches[i].kube_system_uid) way.contradicted_by = i;
    }
  }
  std::vector<LiveWay> ways;
  for (auto& [ignored, way] : by_cluster) ways.push_back(way);
  return ways;
}

awaitable<void> observe_live(KubectlFor kubectl, const std::vector<Match>& matches,
                             NamespaceName name_space, std::vector<ListedCluster>& clusters,
                             std::size_t at_once) {
  Asking asking{std::move(kubectl), matches, std::move(name_space), clusters,
                live_ways(matches, clusters)};
  std::function<awaitable<void>(std::size_t)> one = [&asking](std::size_t index) {
    return ask_one(asking, index);
  };
  co_await some_at_once(asking.ways.size(), at_once, std::move(one));
}

}  // namespace retrust
