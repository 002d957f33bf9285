#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "runbook/observe_backup.h"
#include "transcript/event.h"

namespace retrust {

/// Looks at the container that the choice names, if any; changes nothing. Throws Failure (refused)
/// where there is none of that name, or where it is seen that the local cluster is another one than
/// that in it; what cannot be seen is warned of.
boost::asio::awaitable<std::optional<ServerContainer>> observe_server_container(
    const BackupTools& tools, const BackupChoice& choice, const Local& local, EventSink& events);

}  // namespace retrust
