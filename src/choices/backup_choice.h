#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"

namespace retrust {

/// Kubernetes distribution with its own snapshots. RKE2 is built on k3s.
enum class Distribution { k3s, rke2 };

/// "k3s", "rke2": the program's name.
std::string_view name_of(Distribution distribution);

/// Treatment of a snapshot that is not on every etcd host.
enum class Partial { refused, tolerated };

/// True for a valid name of a snapshot: rke hands the name unquoted to a shell on the nodes, and
/// rke-tools deletes by age what begins as its own do (c-…-).
bool is_snapshot_name(std::string_view name);

/// Whether section 1 has been performed in this run.
enum class BackupMade { no, yes };

/// Words for the choice of no backup, in plans and transcripts.
inline constexpr std::string_view waived_backup = "waived by the operator (--no-rancher-backup)";

/// The operator's choice of a backup of Rancher (section 1 of the runbook).
struct BackupChoice {
  /// `etcd` by rke.
  enum class Kind { not_chosen, none, container, etcd, k3s, rke2, backup_operator };
  Kind kind = Kind::not_chosen;
  ContainerName container = {};  ///< name or ID
  std::string rke_config = {};   ///< rke's cluster.yml
  std::string snapshot = {};     ///< name of the etcd snapshot
  Partial partial = Partial::refused;
  /// Start of the run, in the form of names: 20261125T042000Z.
  std::string date = {};
  /// Folder of the list of used snapshot names; empty if there is none.
  std::filesystem::path state_folder = {};
  /// Data folder of k3s or RKE2 on this node.
  std::string data_folder = {};

  /// The distribution that takes the snapshot, if any.
  std::optional<Distribution> distribution() const {
    if (kind == Kind::k3s) return Distribution::k3s;
    if (kind == Kind::rke2) return Distribution::rke2;
    return std::nullopt;
  }
};

/// True if no backup was chosen, or if the operator waived it.
inline bool lacks_backup(const BackupChoice& choice) {
  return choice.kind == BackupChoice::Kind::not_chosen || choice.kind == BackupChoice::Kind::none;
}

}  // namespace retrust
