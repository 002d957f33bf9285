#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "pki.h"
#include "settings.h"

namespace retrust::sandbox {

/// Kubernetes objects as they are when they are made. Times are metav1.Time.

inline constexpr std::string_view agents_namespace = "cattle-system";
/// Rancher's own CA when its agents were deployed, the setting cacerts.
inline constexpr std::string_view rancher_ca = "-----BEGIN CERTIFICATE-----\nown\n";

struct TokenSecretSpec {
  std::string name;
  std::string account;
  std::string account_uid;
  std::string created = {};  ///< empty: now
  std::string name_space = std::string(agents_namespace);
};
/// A Secret of type kubernetes.io/service-account-token, still without data.
boost::json::value token_secret(const TokenSecretSpec& spec);
/// Its data: a token signed with the key, and the CA.
boost::json::value token_data(const TokenSecretSpec& spec, const Key& key,
                              const std::string& ca_base64);

boost::json::value opaque_secret(const std::vector<std::pair<std::string, std::string>>& data);

struct PodSpec {
  std::string account;
  std::string app;  ///< label app
  std::string image;
  std::string owner_kind = {};
  std::string owner = {};
  std::string owner_uid = {};
  std::vector<std::string> secrets = {};  ///< mounted
  std::string started = {};               ///< empty: now
  PodToken token = PodToken::secret;      ///< a secret is one of those mounted
};
enum class PodState { pending, running };
boost::json::value pod(const PodSpec& spec, PodState state);
/// Makes a pod run and be ready, from that time on (empty: from now on).
void make_running(boost::json::value& pod, const std::string& since = {});
/// Its container has ended once more, with these last words, and is to be started again later.
void make_crashing(boost::json::value& pod, const std::string& last_words);
/// Its container waits for that reason and has not run yet.
void make_waiting(boost::json::value& pod, const std::string& reason, const std::string& message);
/// No node takes it.
void make_unschedulable(boost::json::value& pod);
boost::json::value node(const std::string& state);
/// An event of a kubelet's that a pod got no network, because the plugin's token is rejected.
boost::json::value no_network_event(const std::string& name_space, const std::string& pod,
                                    const std::string& at, const std::string& uid = {});
/// The names of the secrets that a pod mounts.
std::vector<std::string> mounted_secrets(const boost::json::value& pod);

struct WorkloadSpec {
  std::string kind;  ///< Deployment or DaemonSet
  std::string app;
  std::string account;
  std::string image;
  std::vector<std::string> secrets = {};
  int replicas = 1;
};
/// With pods that run.
boost::json::value workload(const WorkloadSpec& spec);

/// An object with nothing but its type.
boost::json::value bare(std::string_view api_version, std::string_view kind);

/// An imported cluster as Rancher keeps it: a clusters resource.
struct ClusterSpec {
  std::string display_name;
  std::string driver = "imported";
  std::string ca_base64;
  std::string token = {};         ///< where it is kept in the resource itself
  std::string token_secret = {};  ///< where it is kept in a Secret: its name
  std::string kubernetes = {};    ///< e.g. v1.20.15
  TunnelCheck tunnel_check = TunnelCheck::absent;
  std::string ready = {};  ///< status of the condition Ready; empty: Rancher has not said it
};
boost::json::value cluster_resource(const ClusterSpec& spec);
/// Where Rancher keeps tokens of downstream clusters, under the key `credential`.
inline constexpr std::string_view credential_namespace = "cattle-global-data";
inline constexpr std::string_view credential_prefix = "cluster-serviceaccounttoken-";
/// Such a Secret, which goes when its clusters resource does.
boost::json::value credential_secret(const boost::json::value& cluster, const std::string& token);
/// OpenShift's dockercfg secret of an account, which belongs to a token secret and holds its token.
boost::json::value dockercfg_secret(const boost::json::value& token_secret);
/// What the agents of a cluster register with; its value.
boost::json::value registration_token(const std::string& cluster_id, const std::string& value);
/// The same, where the value is in a Secret of that name.
boost::json::value registration_by_secret(const std::string& cluster_id, const std::string& secret);
/// One of Rancher's settings, at its default where `value` is empty.
boost::json::value setting(const std::string& value, const std::string& standard);
/// Rancher's address, the setting server-url.
inline constexpr std::string_view rancher_url = "https://rancher.example.com";
/// The secret from which the agents learn where Rancher is.
boost::json::value agent_credentials(const std::string& registration, const std::string& cluster_id,
                                     const std::string& url = std::string(rancher_url));

inline constexpr std::string_view credentials_secret = "cattle-credentials-1a2b3c4";
/// The workloads that run as `cattle`, each with the ReplicaSet or DaemonSet that owns its pods.
struct AgentWorkload {
  std::string kind;
  std::string app;
  std::string name;
  std::string owner_kind;
  std::string owner;
  int replicas = 1;
};
std::vector<AgentWorkload> agent_workloads(const Settings& settings);

}  // namespace retrust::sandbox
