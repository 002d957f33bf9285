#pragma once

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"
#include "app/selection.h"

namespace retrust {

/// Performs `status`, `plan` or `run` for several clusters. Throws Failure or Interrupted before
/// the first cluster is begun.
boost::asio::awaitable<ExitStatus> fleet_command(Invocation& app, Selection selection);

}  // namespace retrust
