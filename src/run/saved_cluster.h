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

/// What a run left in its folder's backup.
struct SavedCluster {
  std::filesystem::path path;  ///< of the resource as it was before the first change
  ClusterResource cluster;
  std::vector<StoredDigest> left;  ///< what that run itself wanted there
  /// Whether the files are as the run's transcript records them; that of 0.1.0 has no record.
  enum class Integrity { verified, unverified } integrity = Integrity::verified;
};

/// What a repair changes in a clusters resource's status, and a rollback puts back; nothing else.
inline constexpr std::array<const char*, 3> restored_fields{"caCert", "serviceAccountToken",
                                                            "serviceAccountTokenSecret"};

/// Reads a run's folder as SavedFiles does. Throws Failure: usage where it is none, refused where
/// another user could have changed it, where a file is not as the run saved it, or where a field
/// holds what Rancher does not write: another type, a CA that does not parse, a token that is not
/// that of Rancher's account in `name_space`.
SavedCluster read_saved_cluster(const std::filesystem::path& run_folder,
                                std::string_view name_space, Redactor& redactor);

}  // namespace retrust
