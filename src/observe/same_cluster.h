#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// A kubeconfig may be replaced while retrust waits, or while the operator thinks. These checks
/// throw Failure (refused) if a kubeconfig then leads to another cluster.

/// Compares the uids of kube-system in both clusters, and of the clusters resource. Pure.
void check_same_clusters(const Observation& before, const Observation& now);

/// Compares the uids of the clusters resource. Pure.
void check_same_resource(const ClusterResource& before, const ClusterResource& now);

/// The time for which an observation stands without another look. A change's own kubectl takes as
/// long to log in and to connect if it has a slow login plugin.
inline constexpr std::chrono::seconds fresh_for{3};

/// Reads the uid of kube-system by a new connection, and compares it.
boost::asio::awaitable<void> check_same_cluster(Kubectl kubectl, Uid kube_system);

/// The same, unless that was done fresh_for ago at most for the session of this kubectl, which
/// several runs can share.
boost::asio::awaitable<void> check_same_cluster_lately(Kubectl kubectl, Uid kube_system);

}  // namespace retrust
