#pragma once

#include <exception>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "observe/kubeconfig.h"
#include "observe/observe.h"
#include "tools/kubectl.h"

namespace retrust {

/// The failure of a kubectl, told by its kubeconfig (`kubectl config view --minify`): a user
/// without credentials, or a proxy that kubectl does not name. Other failures stay as they are.
std::exception_ptr told_by_kubeconfig(const std::exception_ptr& end, const boost::json::value& view,
                                      const Kubectl& kubectl);

/// Contexts of a whole kubeconfig whose server is not behind Rancher, those of the same cluster
/// first. Rancher calls them `NAME-node` beside its own context `NAME`. Pure.
std::vector<std::string> direct_contexts(const boost::json::value& config,
                                         const std::string& context);

/// Throws Failure (usage) if both clusters are reached by the same context of the same kubeconfig.
void check_two_contexts(const Clusters& clusters, const KubeconfigView& downstream,
                        const KubeconfigView& local);

/// Throws Failure (refused) if the downstream kubeconfig leads through Rancher. Names a context of
/// the kubeconfig that goes straight to the cluster.
boost::asio::awaitable<void> check_direct(const Clusters& clusters, KubeconfigView view);

/// Throws Failure (refused) if the downstream kubeconfig leads to the cluster of Rancher, so that
/// both kubeconfigs seem to be swapped. Ignores failures of its question.
boost::asio::awaitable<void> check_not_swapped(const Clusters& clusters, std::string wanted);

}  // namespace retrust
