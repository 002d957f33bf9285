#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

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
StoredDigest digest_from_json(const boost::json::value& note);

}  // namespace retrust
