#pragma once

#include <vector>

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"
#include "app/selection.h"
#include "run/saved_fleet.h"

namespace retrust {

/// Performs `status`, `plan` or `run` for several clusters. Throws Failure or Interrupted before
/// the first cluster is begun.
boost::asio::awaitable<ExitStatus> fleet_command(Invocation& app, Selection selection);

/// Performs `rollback` for the clusters of a run of several clusters. Throws as fleet_command does.
boost::asio::awaitable<ExitStatus> fleet_rollback(Invocation& app,
                                                  std::vector<SavedMember> members);

}  // namespace retrust
