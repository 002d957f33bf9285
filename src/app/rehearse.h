#pragma once

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"

namespace retrust {

/// Practises `status`, `plan` and `run` on the clusters of retrust-sandbox, which it starts in a
/// private temporary folder. `perform` performs each of the three. What the environment and the
/// file of --config say about real clusters is not used. Returns the exit status of the last
/// command. Throws Failure or Interrupted.
boost::asio::awaitable<ExitStatus> rehearse_command(Invocation& app, Invocation::Command perform);

}  // namespace retrust
