#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// The messages of `rke etcd snapshot-save`, which tell more than its exit status. Since 1.3.13 rke
/// ends with 0 if only some hosts failed. Every version leaves out an unreachable host with a
/// warning (rancher/rke cluster/etcd.go, cluster/hosts.go).
struct SnapshotLog {
  DisplayText version;                   ///< e.g. v1.6.3; empty from rke before 0.3.0
  std::vector<DisplayText> hosts;        ///< hosts on which a snapshot began
  std::vector<DisplayText> unreachable;  ///< hosts that rke left out
  std::vector<DisplayText> warnings;     ///< every other warning and error, verbatim
  bool some_failed = false;              ///< some hosts failed; rke does not name them
  enum class Taken { nowhere, somewhere, everywhere } taken = Taken::nowhere;
};

/// Reads rke's log lines, in both of logrus' formats.
SnapshotLog read_snapshot_log(std::string_view text);

}  // namespace retrust
