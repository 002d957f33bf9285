#pragma once

#include <filesystem>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "observe/backup.h"
#include "observe/observation.h"
#include "tools/docker.h"
#include "tools/k3s.h"
#include "tools/kubectl.h"
#include "tools/rke.h"
#include "tools/tar.h"

namespace retrust {

/// The programs that backups are made with.
struct BackupTools {
  Docker docker;
  /// The kubectl in Rancher's container, beside another way to the local cluster; nothing where it
  /// is the only one.
  std::optional<Kubectl> container_kubectl;
  Rke rke;
  K3s k3s;
  Tar tar;
};

/// TerminalStyle at what a backup will need; changes nothing. `folder` is where it will go,
/// `observation` what was seen before, with Rancher's container where one was named. Throws
/// Failure: refused where no backup can be made like this.
boost::asio::awaitable<BackupObservation> observe_backup(BackupTools& tools,
                                                         const BackupChoice& choice,
                                                         const std::filesystem::path& folder,
                                                         const Observation& observation);

}  // namespace retrust
