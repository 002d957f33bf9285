#pragma once

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"

namespace retrust {

/// Completes the options with the one cluster that is meant, and with the context that leads to it,
/// where they do not name one of each: several kubeconfigs, a folder, a list, all contexts, a
/// pattern, or no cluster. Tells what was found. Throws Failure (refused) if no context leads to
/// the cluster, and Failure (usage) if several clusters are meant.
boost::asio::awaitable<void> select_cluster(Invocation& app);

}  // namespace retrust
