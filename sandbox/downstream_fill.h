#pragma once

#include <string>

#include "cluster.h"
#include "controllers.h"
#include "pki.h"
#include "settings.h"

namespace retrust::sandbox {

/// What a downstream cluster is filled with.
struct Filling {
  Key signer;                ///< of the tokens that are there
  boost::json::value agent;  ///< the secret from which its agents learn where Rancher is
  /// Its clusters resource's; empty for a cluster that retrust has nothing to do with.
  std::string id = {};
};

/// Adds what the cluster holds when the sandbox starts, all of it older than the renewal. The token
/// that the agents have read, and would report.
std::string fill(Cluster& cluster, Controllers& controllers, const Settings& settings,
                 const Filling& filling);

/// Adds the account that Rancher makes for itself in some clusters. Its token.
std::string add_ranchers_own(Cluster& cluster, const Settings& settings, const Key& signer);

}  // namespace retrust::sandbox
