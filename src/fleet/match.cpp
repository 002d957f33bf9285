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

std::vector<ClusterId> claimed_clusters(const ContextFacts& facts,
                                        const std::vector<StoredAccount>& stored) {
  std::set<ClusterId> known;
  for (const auto& each : stored) known.insert(each.cluster);
  std::set<ClusterId> clusters;
  for (const auto& agent : facts.agents) {
    if (clusters.size() == most_claims) break;
    if (known.contains(agent.cluster)) clusters.insert(agent.cluster);
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
      return match.trouble.empty()
                 ? "neither its service accounts nor its agents' token are of a cluster of this "
                   "Rancher"
                 : "whether it leads to a cluster of this Rancher cannot be told: " + match.trouble;
    case Match::Result::several:
      return fmt::format("Rancher knows its cluster more than once: {}", list_of(match.clusters));
    case Match::Result::repeated:
      return fmt::format("leads to {}, as {} does ({}), which is used", match.clusters.front(),
                         text_of(matches[*match.first].context),
                         match.context.server == matches[*match.first].context.server
                             ? "at the same address"
                             : "at another address");
    case Match::Result::own:
      return "leads to the cluster that Rancher itself runs in";
    case Match::Result::through:
      return fmt::format("leads through Rancher, to {}; a way straight to the cluster is needed",
                         match.context.through);
    case Match::Result::no_answer:
      return match.trouble;
  }
  return {};
}

}  // namespace retrust
