#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"
#include "fleet/kubeconfig_files.h"
#include "fleet/match.h"
#include "fleet/observe_contexts.h"
#include "observe/observe_clusters.h"
#include "tools/kubectl.h"

namespace retrust {

/// Clusters that are asked at once.
inline constexpr std::size_t clusters_at_once = 8;

/// The longest time in which that many clusters answer, or do not.
std::chrono::seconds answer_time(std::size_t clusters);

/// The contexts of --kubeconfig with the clusters that they lead to.
struct MatchedContexts {
  KubectlFor kubectl;  ///< of each context; the toolbox must outlive it
  std::vector<Match> matches;
};

/// The files of --kubeconfig, with the contexts that count. Throws Failure (usage) for one that
/// cannot be read.
std::vector<KubeconfigFile> given_files(const Options& options);

/// Asks the clusters behind the contexts of the files which of the list they are. Asks the operator
/// for a login if there is one context alone. Failures of one context are part of its match.
boost::asio::awaitable<MatchedContexts> matched_contexts(Invocation& app, const Kubectl& local,
                                                         const ClusterList& list,
                                                         std::vector<KubeconfigFile> files);

/// "prod.yaml, context a: leads through Rancher, to c-abcde", for each context without a use. Pure.
std::vector<std::string> unused_lines(const std::vector<Match>& matches);

/// For people: at most 20 of these lines, and the number of the others. Pure.
std::vector<std::string> told_unused_lines(std::vector<std::string> lines);

}  // namespace retrust
