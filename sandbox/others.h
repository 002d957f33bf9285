#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "cluster.h"
#include "pki.h"

namespace retrust::sandbox {

/// What a played cluster holds besides Rancher's agents, older than its CA: a network plugin,
/// Fleet's agent, rancher-webhook, a StatefulSet's pod, and so many Deployments of users, of one
/// pod each. Tokens are signed with the key.
void add_others(Cluster& cluster, const Key& signer, int deployments);

/// The APIServices that every cluster has, and metrics-server's, which answers or does not.
enum class Metrics { answer, away };
void add_api_services(Cluster& cluster, Metrics metrics);

/// Adds the ConfigMap kube-root-ca.crt to a namespace, which is there for long.
void add_root_ca_map(Cluster& cluster, const std::string& name_space);
/// Writes the CA that the cluster hands out into that ConfigMap, with the time since when.
void publish_ca(const Cluster& cluster, boost::json::value& map);

}  // namespace retrust::sandbox
