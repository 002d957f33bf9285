#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/display_text.h"
#include "base/names.h"
#include "choices/backup_choice.h"
#include "tools/container.h"

namespace retrust {

/// What was seen of Rancher's container and of the room for a backup of it. Sizes in KiB.
struct ContainerBackup {
  Container container;
  std::string archive;  ///< path in the container
  std::string folder;   ///< where it is copied to
  std::uint64_t data_kib = 0;
  std::uint64_t container_free_kib = 0;
  std::uint64_t host_free_kib = 0;

  /// Rancher's data lie on the host: as documented, no backup is made of them.
  bool mapped() const;
};

/// What was seen of the backup that was chosen. Empty for the other kinds.
struct BackupObservation {
  std::optional<ContainerBackup> container = {};
  DisplayText tool_version = {};  ///< of tar, rke, k3s or RKE2
  std::string tool_program = {};  ///< its absolute path
  std::string tool_named = {};    ///< rke, k3s or RKE2 as retrust found it, for commands to paste
  /// The name for the snapshot, where one was taken under it before.
  std::string used_name = {};
};

/// "1.4 GiB"
std::string size_text(std::uint64_t kib);

}  // namespace retrust
