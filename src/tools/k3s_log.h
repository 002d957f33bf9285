#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// What `etcd-snapshot save` said, which is more than its exit status. Up to 1.28 it takes the
/// snapshot itself and ends with 0 where etcd did not give one; since then it asks the server that
/// runs (k3s-io/k3s pkg/etcd/snapshot.go, pkg/cli/etcdsnapshot).
struct K3sSnapshotLog {
  DisplayText
      name;  ///< NAME-NODE-TIME, and .zip where it is compressed; empty where none was taken
  DisplayText path;                   ///< of the file; newer ones do not say it
  std::vector<DisplayText> warnings;  ///< and errors, in its own words
};

/// Reads its log lines, in both of logrus' formats; etcd's own lines, which are JSON, are passed
/// over.
K3sSnapshotLog read_k3s_snapshot_log(std::string_view text);

/// A line of `etcd-snapshot ls`.
struct ListedSnapshot {
  DisplayText path;  ///< on this node
  DisplayText size;  ///< in bytes
};

/// What `etcd-snapshot ls` printed of a snapshot that is on this node; empty where it is not there.
ListedSnapshot find_snapshot(std::string_view listed, std::string_view name);

}  // namespace retrust
