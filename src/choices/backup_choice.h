#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"

namespace retrust {

/// The two that are one program in these matters: RKE2 is built on k3s.
enum class Distribution { k3s, rke2 };

/// "k3s", "rke2": the program's name.
std::string_view name_of(Distribution distribution);

/// What is made of a snapshot that is not on every etcd host.
enum class Partial { refused, tolerated };

/// Whether a snapshot can be called so: rke hands the name unquoted to a shell on the nodes, and
/// rke-tools deletes by age what begins as its own do (c-…-).
bool is_snapshot_name(std::string_view name);

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

}  // namespace retrust
