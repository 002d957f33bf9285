#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/redactor.h"
#include "observe/observation.h"

namespace retrust {

/// What is stored for a cluster, told apart without the secret in it.
struct StoredDigest {
  std::string token;            ///< SHA-256; empty where there is none
  std::vector<std::string> ca;  ///< SHA-256 of each certificate, in order of these
  std::string token_secret;     ///< name, where Rancher keeps the token in a Secret

  bool operator==(const StoredDigest&) const = default;
};

StoredDigest digest_of(const ClusterResource& cluster);
StoredDigest digest_of(const Credentials& credentials);

/// Whether a rollback has something to put back, and would not refuse: where Rancher keeps the
/// token in a Secret by now, neither the plain field nor what was in the Secret can be put back.
/// Pure.
bool can_put_back(const StoredDigest& saved, const StoredDigest& now);

/// How a run notes, beside the saved resource, what it expects Rancher to have stored in the end.
boost::json::object to_json(const StoredDigest& digest);

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
