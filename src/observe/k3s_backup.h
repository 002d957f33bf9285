#pragma once

#include <boost/asio/awaitable.hpp>

#include "observe/backup.h"
#include "tools/k3s.h"
#include "transcript/journal.h"

namespace retrust {

/// Section 1.2 where Rancher's own cluster is one of k3s or RKE2, and this one of its server nodes.

/// Throws Failure (refused) where it can be seen that no snapshot can be taken here: the node is no
/// server, or its data are in SQLite. What cannot be seen is left to k3s to say.
void check_k3s_node(const BackupChoice& choice);

/// Takes the snapshot and looks for its file. Throws Failure (refused) where there is none.
boost::asio::awaitable<void> save_k3s_snapshot(const K3s& k3s, Journal journal,
                                               BackupChoice choice);

}  // namespace retrust
