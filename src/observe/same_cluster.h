#pragma once

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// A kubeconfig may be replaced while retrust waits, or while the operator thinks. All of these
/// throw Failure (refused) where it then leads to another cluster.

/// By the uids of kube-system in both clusters, and of the clusters resource. Pure.
void check_same_clusters(const Observation& before, const Observation& now);

/// By the uid of the clusters resource. Pure.
void check_same_resource(const ClusterResource& before, const ClusterResource& now);

/// By the uid of kube-system, which is read: as the last thing before a change.
boost::asio::awaitable<void> check_same_cluster(Kubectl kubectl, Uid kube_system);

}  // namespace retrust
