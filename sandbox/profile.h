#pragma once

#include <compare>
#include <set>
#include <string>

namespace retrust::sandbox {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
};

/// Where Rancher keeps the token of a downstream cluster: in the clusters resource itself, or in a
/// Secret that it names (CVE-2021-36782).
enum class TokenPlace { status, secret };

/// What Rancher does with a reported token where CA and address are the ones that it knows.
enum class LoneToken { taken, ignored };

/// How Rancher's agent and server find the token secret of a service account, and make one.
enum class AccountSecret {
  mounted,     ///< the token that the pod mounts; never made
  referenced,  ///< the first in the account's `secrets`; never made
  fixed_name,  ///< ACCOUNT-token
  any,         ///< any of the account's; made as ACCOUNT-token-xxxxx
  labelled,    ///< the one with the label cattle.io/service-account.name
  annotated    ///< the one that the account's annotation names, else the labelled one
};

/// Whether the custom resource `clusters` has a status subresource.
enum class StatusSubresource { absent, present };

/// What Rancher asks a downstream cluster to see whether it is well.
enum class HealthCheck { component_statuses, name_space, readyz };

/// Whether Rancher says in the clusters resource that no agent is connected.
enum class TunnelCheck { absent, present };

/// Through whom logs and the web shell go.
enum class Impersonation { absent, user_accounts };

/// Where Rancher keeps the registration token of a cluster: in the ClusterRegistrationToken, or in
/// a Secret that it names.
enum class RegistrationPlace { status, secret };

/// What distinguishes the versions of Rancher. From its source, tags v2.0.0 to v2.15.0.
struct RancherProfile {
  std::string version;  ///< as the setting server-version has it: v2.4.17
  Version number;
  std::set<std::string> drivers = {};  ///< values of status.driver with which it takes reports
  TokenPlace token_place = TokenPlace::status;
  LoneToken lone_token = LoneToken::taken;
  AccountSecret account_secret = AccountSecret::mounted;
  StatusSubresource status_subresource = StatusSubresource::absent;
  HealthCheck health_check = HealthCheck::component_statuses;
  TunnelCheck tunnel_check = TunnelCheck::absent;
  Impersonation impersonation = Impersonation::absent;
  RegistrationPlace registration_place = RegistrationPlace::status;
};
/// 2.0 to 2.5, 2.12 and 2.15 stand for the last known release of that series; else a full version,
/// `v2.9-head` or `dev`. Throws where it is none of these.
RancherProfile rancher_profile(const std::string& text);

/// Whether every service account is given a token secret, or has one only where somebody makes it.
enum class AccountTokens { automatic, on_request };
/// What a pod has its token from.
enum class PodToken { secret, projected_volume };
/// Whether every namespace has the ConfigMap kube-root-ca.crt.
enum class RootCaMap { absent, present };

/// What distinguishes the versions of Kubernetes.
struct KubernetesProfile {
  std::string git_version;  ///< v1.20.15
  Version number;
  AccountTokens account_tokens = AccountTokens::automatic;  ///< on request: 1.24
  PodToken pod_token = PodToken::secret;                    ///< projected: 1.21
  RootCaMap root_ca_map = RootCaMap::present;               ///< 1.20
};
/// 1.24 or 1.24.17. Throws where it is neither.
KubernetesProfile kubernetes_profile(const std::string& text);

}  // namespace retrust::sandbox
