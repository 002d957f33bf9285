#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// The messages of `etcd-snapshot save`, which tell more than its exit status. Up to 1.28 the
/// command takes the snapshot itself, and ends with 0 if etcd gave none. Later versions ask the
/// running server (k3s-io/k3s pkg/etcd/snapshot.go, pkg/cli/etcdsnapshot).
struct K3sSnapshotLog {
  /// NAME-NODE-TIME, with .zip if compressed; empty if no snapshot was taken.
  DisplayText name;
  DisplayText path;                   ///< path of the file; empty from newer versions
  std::vector<DisplayText> warnings;  ///< warnings and errors, verbatim
};

/// Reads the log lines, in both of logrus' formats. Skips etcd's own lines, which are JSON.
K3sSnapshotLog read_k3s_snapshot_log(std::string_view text);

/// A line of `etcd-snapshot ls`.
struct ListedSnapshot {
  DisplayText path;  ///< path on this node
  DisplayText size;  ///< size in bytes
};

/// The entry of a snapshot on this node in the output of `etcd-snapshot ls`; empty if there is
/// none.
ListedSnapshot find_snapshot(std::string_view listed, std::string_view name);

}  // namespace retrust
