#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api_client.h"
#include "rancher.h"
#include "settings.h"

namespace retrust::sandbox {

/// What Rancher has of one downstream cluster.
struct ClusterRecord {
  std::string id;
  std::string display_name;
  std::string registration;  ///< the token that its agents register with
  Rancher::Report stored;
};

/// The version of Kubernetes that a cluster says it is.
boost::asio::awaitable<KubernetesProfile> kubernetes_of(const ApiClient& client);
/// Puts into the downstream cluster of a real control plane what Rancher's agents need, and what
/// its users left behind; what the agents would report. `id` is its clusters resource's.
boost::asio::awaitable<Rancher::Report> fill_downstream(const ApiClient& client,
                                                        std::string registration, std::string id,
                                                        const Settings& settings);
/// Puts Rancher's resources and its server into the local cluster.
boost::asio::awaitable<void> fill_local(const ApiClient& client, std::vector<ClusterRecord> records,
                                        std::string local_ca_base64, const Settings& settings);
/// Deploys the agents.
boost::asio::awaitable<void> start_agents(const ApiClient& client, const Settings& settings);

}  // namespace retrust::sandbox
