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

/// Rancher's container, and the room for a backup of it. Sizes in KiB.
struct ContainerBackup {
  Container container;
  std::string archive;  ///< path in the container
  std::string folder;   ///< target folder of the copy
  std::uint64_t data_kib = 0;
  std::uint64_t container_free_kib = 0;
  std::uint64_t host_free_kib = 0;

  /// True if Rancher's data lie on the host. retrust makes no backup of such data, as documented.
  bool mapped() const;
};

/// Observation of the chosen kind of backup. Empty for the other kinds.
struct BackupObservation {
  std::optional<ContainerBackup> container = {};
  DisplayText tool_version = {};  ///< version of tar, rke, k3s or RKE2
  std::string tool_program = {};  ///< absolute path of that program
  std::string tool_named = {};    ///< name of rke, k3s or RKE2 in commands to paste
  /// The name for the snapshot, if an earlier snapshot has the name.
  std::string used_name = {};
  ObjectName resource_set = {};  ///< of the backup operator: what it saves
  DisplayText stored_as = {};    ///< the backup operator's file, and where it is
};

/// Text of a size: "1.4 GiB".
std::string size_text(std::uint64_t kib);

}  // namespace retrust
