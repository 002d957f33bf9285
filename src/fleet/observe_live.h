#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/names.h"
#include "fleet/match.h"
#include "fleet/observe_contexts.h"
#include "observe/listed_cluster.h"

namespace retrust {

/// A way to a listed cluster.
struct LiveWay {
  std::size_t cluster = 0;  ///< index in the list
  std::size_t match = 0;    ///< index of the match that leads to it
  /// Index of a match that another cluster shows the same evidence with.
  std::optional<std::size_t> contradicted_by = {};
};

/// Ways to the clusters that the matches lead to, one for each. Rancher may know a cluster more
/// than once: its context then leads to each of its records. Pure.
std::vector<LiveWay> live_ways(const std::vector<Match>& matches,
                               const std::vector<ListedCluster>& clusters);

/// Asks the clusters behind the matched contexts, some at once and each for longest_answer at most,
/// whether their credentials are the stored ones, and notes the answers in the list. Reads the
/// token secret that the stored token names, kube-root-ca.crt and the namespace kube-system, and
/// keeps digests alone. Sends no token. Failures of one context are part of its answer.
boost::asio::awaitable<void> observe_live(KubectlFor kubectl, const std::vector<Match>& matches,
                                          NamespaceName name_space,
                                          std::vector<ListedCluster>& clusters,
                                          std::size_t at_once);

}  // namespace retrust
