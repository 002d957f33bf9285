#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "binaries/docker.h"
#include "binaries/k3s.h"
#include "binaries/rke.h"
#include "runbook/backup.h"

namespace retrust {

/// The programs that backups are made with.
struct BackupTools {
  Docker docker;
  Rke rke;
  K3s k3s;
};

/// Looks at what a backup will need; changes nothing. `folder` is where it will go,
/// `server_version` what Rancher's setting says. Throws Failure: refused where no backup can be
/// made like this.
boost::asio::awaitable<BackupObservation> observe_backup(BackupTools& tools,
                                                         const BackupChoice& choice,
                                                         const std::filesystem::path& folder,
                                                         const std::string& server_version);

}  // namespace retrust
