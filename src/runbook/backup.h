#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "backup/container.h"
#include "binaries/k3s_log.h"
#include "binaries/rke_log.h"
#include "boundary/names.h"
#include "transcript/display_text.h"

namespace retrust {

/// Whether section 1 has been performed in this run.
enum class BackupMade { no, yes };

/// Section 1 of the runbook: what the operator wants done about a backup of Rancher.
struct BackupChoice {
  /// `etcd` by rke.
  enum class Kind { not_chosen, none, container, etcd, k3s, rke2 };
  Kind kind = Kind::not_chosen;
  ContainerName container = {};  ///< name or ID
  std::string rke_config = {};   ///< rke's cluster.yml
  std::string snapshot = {};     ///< name of the etcd snapshot
  Partial partial = Partial::refused;
  /// When the run began, as it stands in names: 20261125T042000Z.
  std::string date = {};
  /// Where the names of snapshots are remembered; empty where they are not.
  std::filesystem::path state_folder = {};
  /// Where k3s or RKE2 keeps its data on this node.
  std::string data_folder = {};

  /// Where the snapshot is taken by one of these two.
  std::optional<Distribution> distribution() const {
    if (kind == Kind::k3s) return Distribution::k3s;
    if (kind == Kind::rke2) return Distribution::rke2;
    return std::nullopt;
  }
};

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
