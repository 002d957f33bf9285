#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "observe/observe_backup.h"
#include "transcript/journal.h"

namespace retrust {

/// Inspects the named container, without changes; nothing if `name` is empty. Registers the secrets
/// of the kubeconfig in the container before any question there. Warns if the container's cluster
/// cannot be read. Throws Failure (refused) if there is no such container, or if the local cluster
/// is another one than that in it.
boost::asio::awaitable<std::optional<ServerContainer>> observe_server_container(
    const BackupTools& tools, std::string name, const Local& local, Redactor& redactor,
    Journal journal);

}  // namespace retrust
