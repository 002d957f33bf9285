#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/display_text.h"
#include "base/names.h"
#include "credentials/compare.h"
#include "credentials/secret.h"
#include "observe/affected.h"
#include "observe/backup.h"
#include "observe/kubeconfig.h"
#include "observe/new_pods.h"
#include "observe/registration.h"
#include "observe/user_tokens.h"
#include "tools/container.h"

namespace retrust {

/// Name of the agents' service account.
inline constexpr std::string_view agent_account = "cattle";

/// A version in Rancher's and Kubernetes's form, e.g. v2.4.17 or v1.20.15+k3s1.
struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
};

/// Parses a version. Nothing if the text is not a release's, e.g. `dev` or `v2.x-head`.
std::optional<Version> parse_version(std::string_view text);

/// The downstream API server's verdict on a token.
enum class Verdict { unknown, accepted, rejected };

/// A Secret of type kubernetes.io/service-account-token of one service account.
struct TokenSecret {
  ObjectName name;
  Uid uid;
  std::chrono::sys_seconds created;
  Credentials credentials;
  DisplayText invalid_since = {};  ///< day since which Kubernetes rejects it as unused
  bool foreign_token = false;      ///< true if `.data.token` is no service account's token
  Verdict verdict = Verdict::unknown;
  DisplayText reason = {};  ///< the server's words, if it does not accept the token

  /// True if the token controller has filled in the secret.
  bool complete() const { return !credentials.token.empty() && !credentials.ca_pem.empty(); }
  /// Missing parts, e.g. "it holds no token and CA"; empty if the secret is complete.
  std::string lack() const;
};

/// A pod in the agents' namespace, or one of Rancher's server.
struct Pod {
  ObjectName name;
  Uid uid;
  ObjectName service_account;
  DisplayText phase;
  bool ready = false;
  bool terminating = false;
  /// Start of the containers that run now. If none runs, the creation of the pod.
  std::chrono::sys_seconds started;
  DisplayText owner_kind;  ///< ReplicaSet, DaemonSet …; empty if the pod has no owner
  DisplayText owner;
  std::vector<ObjectName> mounted_secrets;
  DisplayText waiting = {};    ///< why a container does not run, e.g. CrashLoopBackOff; else empty
  DisplayText detail = {};     ///< the kubelet's or scheduler's message about it
  DisplayText last_end = {};   ///< end of the container before, e.g. "exit status 1 (Error)"
  std::int64_t restarts = 0;   ///< restarts of its containers, at most
  bool unschedulable = false;  ///< true if no node takes it
  DisplayText ca_checksum = {};  ///< its CATTLE_CA_CHECKSUM; empty if it has none
};

/// Observation of the downstream cluster.
struct Downstream {
  KubeconfigView kubeconfig;
  DisplayText kubernetes_version = {};  ///< the API server's, else Rancher's record, e.g. v1.30.14
  Uid kube_system_uid;                  ///< identifies the cluster
  Uid service_account_uid;              ///< uid of cattle, empty if there is no such account
  std::map<ObjectName, Uid> accounts;   ///< all service accounts of the agents' namespace
  /// The account whose token Rancher should have: see live_account.h. Empty if nobody can tell.
  ObjectName account = agent_account;
  /// Token secrets of that account, best first: see parse_tokens in parse.h.
  std::vector<TokenSecret> tokens;
  std::set<ObjectName> secret_names;
  ObjectName account_secret = {};  ///< first secret in the list of the account cattle
  /// True if that account lists what is none of its token secrets, such as OpenShift's dockercfg
  /// secret. Kubernetes lists the next token secret behind it.
  bool account_lists_others = false;
  DisplayText agent_image = {};  ///< image of the Deployment that runs as cattle
  std::vector<Pod> pods;
  std::optional<std::string> root_ca;  ///< PEM in the ConfigMap kube-root-ca.crt
  /// PEM of the one holder whose CA verifies the server, if the live token's secret and
  /// kube-root-ca.crt hold different CAs. Nothing if both verify it, or neither.
  std::optional<std::string> right_ca = {};
  std::vector<ObjectName> missing_secrets;  ///< missing secrets that agents' workloads mount
  std::vector<AgentCredentials> agent_credentials;  ///< what the agents connect with
  /// Trust of the server's certificate in the CA that the cluster hands out; `not_provable` if a
  /// proxy with a certificate of its own is in between.
  enum class HandedOutCa { verifies, does_not_verify, not_provable, unknown };
  HandedOutCa handed_out_ca = HandedOutCa::unknown;
  DisplayText handed_out_reason = {};  ///< kubectl's words if the CA does not verify the server
  std::vector<NamespaceName> own_namespaces = {};  ///< see own_namespaces in user_tokens.h
  /// Tokens of other accounts in the agents' namespace, until the own tokens are observed.
  std::vector<UserToken> other_tokens = {};
};

/// A condition of the clusters resource.
struct Condition {
  DisplayText status;  ///< "True", "False", "Unknown"; empty if there is no condition
  DisplayText reason;
  DisplayText message;
};

/// The clusters resource of the downstream cluster in Rancher.
struct ClusterResource {
  ClusterId id;
  Uid uid;
  DisplayText display_name;
  DisplayText driver;
  ResourceVersion resource_version;
  DisplayText kubernetes_version;  ///< last known to Rancher
  Credentials stored;
  ObjectName token_secret_name;   ///< status.serviceAccountTokenSecret; empty if Rancher uses none
  ObjectName unread_secret = {};  ///< named there, but not read by this version of Rancher
  /// The Secret of that name, as read. Nothing if the Secret is gone or none is named.
  std::optional<boost::json::object> token_secret = {};
  /// Time at which Rancher began to delete the resource. Nothing if it does not.
  std::optional<std::chrono::sys_seconds> deletion = {};
  Condition ready;
  Condition connected;       ///< whether an agent is connected: Rancher 2.6.3 and later
  Condition agent_deployed;  ///< whether Rancher could deploy its agents
  AuthorizedEndpoint endpoint = {};
  boost::json::object raw;  ///< the whole object, secrets included
};

/// Rancher's server in the local cluster.
struct RancherServer {
  DisplayText version_text;  ///< text of the setting server-version
  std::optional<Version> version;
  ObjectName deployment;  ///< "rancher", "cattle"; empty if Rancher is no Deployment here
  NamespaceName name_space;
  std::vector<Pod> pods;
};

/// Observation of the local cluster.
struct Local {
  KubeconfigView kubeconfig;  ///< empty if kubectl in a container finds the cluster by itself
  Uid kube_system_uid;
  ClusterResource cluster;
  RancherServer rancher;
  DisplayText server_url = {};  ///< Rancher's address for its agents, the setting server-url
};

/// The container that --rancher-container names.
struct ServerContainer {
  ContainerName name;  ///< the name that the operator gave
  Container container;
  DisplayText docker = {};  ///< docker's version, e.g. "Docker version 20.10.24"
  /// Proof that the local cluster is the one in the container.
  enum class Proof { same_cluster, none };
  Proof proof = Proof::none;
};

/// Evidence that the downstream kubeconfig is of the cluster of the clusters resource.
enum class Identity {
  account,       ///< the stored token names the uid of the present service account
  registration,  ///< the agents registered with a token of this clusters resource
  claimed,       ///< nothing but the agents' own claim, which a hostile cluster can make, too
  contradicted,  ///< the stored token is of another cluster's service account
  unproven,      ///< nothing to compare
};

/// All facts for the decisions of retrust. A plain value: no I/O, no clock.
struct Observation {
  Downstream downstream;
  Local local;
  Verdict stored_verdict = Verdict::unknown;
  DisplayText stored_reason = {};  ///< the server's words about the stored token
  /// PEM of a stored CA that verified the API server, tried only if the live CA holds it and more.
  std::optional<std::string> proven_ca = {};
  std::optional<std::chrono::sys_seconds> seen_at = {};  ///< time of the observation
  Identity identity = Identity::unproven;
  Registration registration = {};
  DisplayText kubectl_version = {};  ///< the operator's, e.g. "v1.32.4"; empty if unknown
  /// Permissions that the operator's users lack, e.g. "delete secrets in cattle-system
  /// (downstream)".
  std::vector<std::string> missing_permissions;
  /// Missing permissions without which retrust works all the same: Permission::Lack::is_told.
  std::vector<std::string> missing_optional = {};
  std::optional<ServerContainer> container = {};
  BackupObservation backup = {};
  UserTokens user_tokens = {};
  NewPods new_pods = {};
  Affected affected = {};  ///< what is not Rancher's and uses the old CA

  /// The token secret whose credentials Rancher should have. Among the complete secrets that are
  /// not rejected, the one whose token Rancher has stored, else the first. If there is no such
  /// secret, the first of all. Null if there is none.
  const TokenSecret* live() const;
  /// The token of live(), and the CA that verifies the server if the holders of the CA differ. Else
  /// the CA of kube-root-ca.crt if that exists, because a secret's CA may be behind. For an account
  /// of Rancher's own also the additional CAs that Rancher has stored.
  std::optional<Credentials> live_credentials() const;
  /// True if the cluster answered the question about the stored token by an error that is no
  /// verdict.
  bool is_unclear() const { return stored_verdict == Verdict::unknown && !stored_reason.empty(); }
  /// Comparison of the stored credentials with the live ones. Everything differs if nothing is
  /// live. The CA counts as `gained` if the stored one is proven, and the cluster accepts the
  /// token.
  Comparison comparison() const;
};

/// Text of a verdict: "accepts it", "rejects it"; empty if unknown.
std::string says(Verdict verdict);

/// Reason why an agent's pod does not run, e.g. "CrashLoopBackOff, 44 restarts". Empty if it is
/// ready, or is only starting.
std::string why_not_running(const Pod& pod);

/// Pods that run as the agents' service account and have not ended.
std::vector<Pod> agent_pods(const std::vector<Pod>& pods);

}  // namespace retrust
