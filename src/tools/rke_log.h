#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// What `rke etcd snapshot-save` said, which is more than its exit status: since 1.3.13 it ends
/// with 0 where only some hosts failed, and in every version a host that it cannot reach is left
/// out with a warning (rancher/rke cluster/etcd.go, cluster/hosts.go).
struct SnapshotLog {
  DisplayText version;                   ///< e.g. v1.6.3; rke before 0.3.0 does not say it
  std::vector<DisplayText> hosts;        ///< on which a snapshot was begun
  std::vector<DisplayText> unreachable;  ///< left out before
  std::vector<DisplayText> warnings;     ///< every other warning and error, in its own words
  bool some_failed = false;              ///< of the hosts; which is not said
  enum class Taken { nowhere, somewhere, everywhere } taken = Taken::nowhere;
};

/// Reads rke's log lines, in both of logrus' formats.
SnapshotLog read_snapshot_log(std::string_view text);

}  // namespace retrust
