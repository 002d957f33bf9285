#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "observe/observe_backup.h"
#include "transcript/journal.h"

namespace retrust {

/// TerminalStyle at the container of that name, if it is not empty; changes nothing. Throws Failure
/// (refused) where there is none of that name, or where it is seen that the local cluster is
/// another one than that in it; what cannot be seen is warned of. Registers the secrets of the
/// kubeconfig in it before it asks there.
boost::asio::awaitable<std::optional<ServerContainer>> observe_server_container(
    const BackupTools& tools, std::string name, const Local& local, Redactor& redactor,
    Journal journal);

}  // namespace retrust
