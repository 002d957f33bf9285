#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/redactor.h"
#include "observe/observation.h"
#include "observe/stored_digest.h"

namespace retrust {

/// Clusters resource in the backup of a run's folder.
struct SavedCluster {
  std::filesystem::path path;  ///< file of the resource from before the first change
  ClusterResource cluster;
  std::vector<StoredDigest> left;  ///< digests of what the run itself intended
  /// Result of comparing the files with the run's transcript. The transcript of 0.1.0 has no
  /// record.
  enum class Integrity { verified, unverified } integrity = Integrity::verified;
};

/// Fields of a clusters resource's status that a repair changes and a rollback restores.
inline constexpr std::array<const char*, 3> restored_fields{"caCert", "serviceAccountToken",
                                                            "serviceAccountTokenSecret"};

/// Reads a run's folder as SavedFiles does. Throws Failure (usage) if the folder is no run's.
/// Throws Failure (refused) if another user could have changed the folder, if a file differs from
/// the run's record, or if a field holds a value that Rancher does not write. Such a value is
/// another type, a CA that does not parse, or a token of another account than Rancher's in
/// `name_space`.
SavedCluster read_saved_cluster(const std::filesystem::path& run_folder,
                                std::string_view name_space, Redactor& redactor);

}  // namespace retrust
