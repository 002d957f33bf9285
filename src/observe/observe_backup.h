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

/// Programs that make backups.
struct BackupTools {
  Docker docker;
  /// The kubectl in Rancher's container, if there is another way to the local cluster as well.
  /// Nothing if the container is the only way.
  std::optional<Kubectl> container_kubectl;
  Rke rke;
  K3s k3s;
  Tar tar;
};

/// Checks the needs of a backup, without changes. `folder` is the target of the backup.
/// `observation` is the earlier observation, with Rancher's container if one was named. `local`
/// reads the local cluster. Throws Failure: refused if no backup can be made like this.
boost::asio::awaitable<BackupObservation> observe_backup(BackupTools& tools,
                                                         const BackupChoice& choice,
                                                         const std::filesystem::path& folder,
                                                         const Observation& observation,
                                                         Kubectl local);

}  // namespace retrust
