#pragma once

#include <cstddef>
#include <string>

namespace retrust {

/// The clusters of several that are repaired before the others begin (`--canary`).
struct CanaryChoice {
  std::size_t count = 1;  ///< the last ones in the order given
  std::string name = {};  ///< ID or display name of the one that was named; else empty
};

/// Limits of a command for several clusters.
struct FleetOptions {
  std::size_t parallel = 8;  ///< clusters that are worked on at once (`--parallel`)
  CanaryChoice canary = {};
  /// Number of clusters that failed after a change, at which no other one begins
  /// (`--max-failures`).
  std::size_t max_failures = 1;
};

}  // namespace retrust
