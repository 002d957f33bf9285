#pragma once

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"

namespace retrust {

/// The commands, each in the file of its name. Throw Failure or Interrupted.
boost::asio::awaitable<ExitStatus> status_command(Invocation& app);
boost::asio::awaitable<ExitStatus> plan_command(Invocation& app);
boost::asio::awaitable<ExitStatus> run_command(Invocation& app);
boost::asio::awaitable<ExitStatus> step_command(Invocation& app);
boost::asio::awaitable<ExitStatus> rollback_command(Invocation& app);
boost::asio::awaitable<ExitStatus> list_command(Invocation& app);

}  // namespace retrust
