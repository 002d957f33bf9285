#pragma once

#include <boost/asio/awaitable.hpp>

#include "observe/observe.h"

namespace retrust {

/// Reads Rancher's registration tokens of the clusters resource, and compares the agents' token
/// with them. If Rancher does not know it, looks at the clusters resource that the agents claim.
///
/// The result says why the tokens cannot be read, if the operator may not read them. Rancher keeps
/// them in Secrets from 2.13.8, 2.14.4 and 2.15.0 on (rancher/rancher v2.15.0,
/// pkg/controllers/dashboard/clusterregistrationtoken/clusterregistrationtoken.go: rotateToken).
boost::asio::awaitable<Registration> observe_registration(const Clusters& clusters,
                                                          Observation seen);

}  // namespace retrust
