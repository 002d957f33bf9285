#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "runbook/observation.h"
#include "transcript/redactor.h"

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

/// How a run notes, beside the saved resource, what it expects Rancher to have stored in the end.
boost::json::object to_json(const StoredDigest& digest);

/// What a run left in its folder's backup.
struct SavedCluster {
  std::filesystem::path path;  ///< of the resource as it was before the first change
  ClusterResource cluster;
  std::vector<StoredDigest> left;  ///< what that run itself wanted there
};

/// Reads a run's folder. Throws Failure: usage where it is none, refused where it cannot be read.
SavedCluster read_saved_cluster(const std::filesystem::path& run_folder, Redactor& redactor);

}  // namespace retrust
