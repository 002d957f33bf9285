#pragma once

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "observe/observe.h"

namespace retrust {

/// Reads whether new pods start in the downstream cluster: events of pods that could not start,
/// and nodes. Where an agent is not ready, also the warnings about it, and Rancher's own CA. What
/// cannot be read stays unknown: the operator may lack permission. Throws Interrupted.
boost::asio::awaitable<NewPods> observe_new_pods(const Clusters& clusters, NamespaceName name_space,
                                                 Observation seen);

/// Reads the latest of these pods that got no sandbox. Throws as Kubectl::get does.
boost::asio::awaitable<std::optional<RejectedSandbox>> read_rejected(Kubectl downstream,
                                                                     NamespaceName name_space,
                                                                     std::set<Uid> pods);

}  // namespace retrust
