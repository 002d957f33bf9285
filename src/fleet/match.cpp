#include "fleet/match.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {
namespace {

std::string list_of(const std::vector<ClusterId>& clusters) {
  std::vector<std::string> ids;
  for (const auto& cluster : clusters) ids.push_back(cluster.text());
  return enumerated(ids);
}

}  // namespace

std::vector<ClusterId> clusters_by_account(const ContextFacts& facts,
                                           const std::vector<StoredAccount>& stored) {
  std::vector<ClusterId> clusters;
  for (const auto& each : stored) {
    const auto found = facts.accounts.find(each.account);
    const auto same =
        found != facts.accounts.end() && !each.uid.empty() && found->second == each.uid;
    if (same) clusters.push_back(each.cluster);
  }
  return clusters;
}

std::vector<ClusterId> claimed_clusters(const ContextFacts& facts) {
  std::set<ClusterId> clusters;
  for (const auto& agent : facts.agents) {
    if (!agent.cluster.empty()) clusters.insert(agent.cluster);
  }
  return {clusters.begin(), clusters.end()};
}

void mark_repeated(std::vector<Match>& matches) {
  std::map<ClusterId, std::size_t> known;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    auto& match = matches[i];
    if (match.result != Match::Result::proven) continue;
    const auto [earlier, is_new] = known.emplace(match.clusters.front(), i);
    if (is_new) continue;
    match.result = Match::Result::repeated;
    match.first = earlier->second;
  }
}

std::string why_unused(const Match& match, const std::vector<Match>& matches) {
  switch (match.result) {
    case Match::Result::proven:
      return {};
    case Match::Result::unproven:
      return "nothing proves that it leads to a cluster that this Rancher knows";
    case Match::Result::several:
      return fmt::format("Rancher knows its cluster more than once: {}", list_of(match.clusters));
    case Match::Result::repeated:
      return fmt::format("leads to {}, as {} does", match.clusters.front(),
                         text_of(matches[*match.first].context));
    case Match::Result::own:
      return "leads to the cluster that Rancher itself runs in";
    case Match::Result::through:
      return fmt::format("leads through Rancher, to {}", match.context.through);
    case Match::Result::no_answer:
      return match.trouble;
  }
  return {};
}

}  // namespace retrust
