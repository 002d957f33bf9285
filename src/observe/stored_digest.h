#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "observe/observation.h"

namespace retrust {

/// Digests of a cluster's stored credentials, to compare them without the secret.
struct StoredDigest {
  std::string token;            ///< SHA-256; empty if there is no token
  std::vector<std::string> ca;  ///< SHA-256 of each certificate, sorted
  std::string token_secret;     ///< name of the token's Secret; empty if Rancher uses none

  bool operator==(const StoredDigest&) const = default;
};

StoredDigest digest_of(const ClusterResource& cluster);
StoredDigest digest_of(const Credentials& credentials);

/// True if a rollback has something to put back and would not refuse. If Rancher keeps the token in
/// a Secret by now, neither the plain field nor the Secret's earlier content can be put back. Pure.
bool can_put_back(const StoredDigest& saved, const StoredDigest& now);

/// The note, beside the saved resource, of the credentials that a run expects Rancher to have in
/// the end.
boost::json::object to_json(const StoredDigest& digest);
StoredDigest digest_from_json(const boost::json::value& note);

}  // namespace retrust
