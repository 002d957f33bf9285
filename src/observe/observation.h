#pragma once

#include <chrono>
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
#include "observe/backup.h"
#include "observe/kubeconfig.h"
#include "observe/own_tokens.h"
#include "tools/container.h"

namespace retrust {

/// A version as Rancher and Kubernetes write it, e.g. v2.4.17 or v1.20.15+k3s1.
struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
};

/// Nothing where the text is not a release's, e.g. `dev` or `v2.x-head`.
std::optional<Version> parse_version(std::string_view text);

/// What the API server of the downstream cluster says of a token.
enum class Verdict { unknown, accepted, rejected };

/// A Secret of type kubernetes.io/service-account-token of the service account `cattle`.
struct TokenSecret {
  ObjectName name;
  Uid uid;
  std::chrono::sys_seconds created;
  Credentials credentials;
  bool foreign_token = false;  ///< `.data.token` is no service account's: it is not taken
  Verdict verdict = Verdict::unknown;
  DisplayText reason = {};  ///< the server's words where it was rejected

  /// The token controller has filled it in.
  bool complete() const { return !credentials.token.empty() && !credentials.ca_pem.empty(); }
  /// What it lacks, e.g. "it holds no token and CA"; empty where it is complete.
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
  /// When its containers that run now were started; the creation where none runs.
  std::chrono::sys_seconds started;
  DisplayText owner_kind;  ///< ReplicaSet, DaemonSet …; empty where it stands alone
  DisplayText owner;
  std::vector<ObjectName> mounted_secrets;
};

/// What the downstream cluster is like.
struct Downstream {
  KubeconfigView kubeconfig;
  DisplayText kubernetes_version = {};  ///< its own word, else what Rancher knows, e.g. v1.30.14
  Uid kube_system_uid;                  ///< which cluster this is
  Uid service_account_uid;              ///< of cattle; empty where there is none
  /// Best first: see parse_tokens in parse.h.
  std::vector<TokenSecret> tokens;
  std::set<ObjectName> secret_names;
  ObjectName account_secret = {};  ///< the first that the account cattle lists
  DisplayText agent_image = {};    ///< of the Deployment that runs as cattle
  std::vector<Pod> pods;
  std::optional<std::string> root_ca;       ///< PEM in the ConfigMap kube-root-ca.crt
  std::vector<ObjectName> missing_secrets;  ///< mounted by agents' workloads, not there
  std::vector<Secret> registration_tokens;  ///< in cattle-credentials-…
  /// Whether the CA that the cluster hands out verifies the server that it serves;
  /// `not_provable` where something in between has a certificate of its own.
  enum class HandedOutCa { verifies, does_not_verify, not_provable, unknown };
  HandedOutCa handed_out_ca = HandedOutCa::unknown;
  DisplayText handed_out_reason = {};              ///< kubectl's words where it does not
  std::vector<NamespaceName> own_namespaces = {};  ///< see own_namespaces in own_tokens.h
  /// In the agents' namespace, but not the agents'; gone when they were looked at.
  std::vector<OwnToken> other_tokens = {};
};

/// A condition of the clusters resource.
struct Condition {
  DisplayText status;  ///< "True", "False", "Unknown"; empty where there is none
  DisplayText reason;
  DisplayText message;
};

/// The clusters resource of the downstream cluster, as Rancher has it.
struct ClusterResource {
  ClusterId id;
  Uid uid;
  DisplayText display_name;
  DisplayText driver;
  ResourceVersion resource_version;
  DisplayText kubernetes_version;  ///< as Rancher last saw it
  Credentials stored;
  ObjectName token_secret_name;  ///< status.serviceAccountTokenSecret, where Rancher uses one
  /// The Secret of that name, as it was read; nothing where it is gone or none is named.
  std::optional<boost::json::object> token_secret = {};
  Condition ready;
  boost::json::object raw;  ///< the whole object, secrets included
};

/// Rancher's server in the local cluster.
struct RancherServer {
  DisplayText version_text;  ///< as the setting says it
  std::optional<Version> version;
  ObjectName deployment;  ///< "rancher", "cattle", or empty where it is no Deployment here
  NamespaceName name_space;
  std::vector<Pod> pods;
};

/// What the local cluster is like.
struct Local {
  KubeconfigView kubeconfig;  ///< empty where kubectl finds the cluster by itself, in a container
  Uid kube_system_uid;
  ClusterResource cluster;
  RancherServer rancher;
};

/// The container that --rancher-container names.
struct ServerContainer {
  ContainerName name;  ///< as it was given
  Container container;
  DisplayText docker = {};  ///< which docker tells of it, e.g. "Docker version 20.10.24"
  /// Whether it is known that the local cluster is the one in it.
  enum class Proof { same_cluster, none };
  Proof proof = Proof::none;
};

/// What shows that the downstream kubeconfig is of the cluster that the resource stands for.
enum class Identity {
  account,       ///< the stored token names the uid of the service account that is there
  registration,  ///< the agents registered with a token of this clusters resource
  contradicted,  ///< the stored token is of another cluster's service account
  unproven,      ///< nothing to compare
};

/// Everything that a decision is made from. A plain value: no I/O, no clock.
struct Observation {
  Downstream downstream;
  Local local;
  Verdict stored_verdict = Verdict::unknown;
  std::optional<std::chrono::sys_seconds> seen_at = {};  ///< when it was asked for
  Identity identity = Identity::unproven;
  DisplayText kubectl_version = {};  ///< "v1.32.4", of the operator's; empty where it is not known
  /// What the operator's users may not do, e.g. "delete secrets in cattle-system (downstream)".
  std::vector<std::string> missing_permissions;
  std::optional<ServerContainer> container = {};
  BackupObservation backup = {};
  OwnTokens own_tokens = {};

  /// The token secret whose credentials Rancher should have: of the secrets that are complete and
  /// not rejected the one that it has, else the first, else the first of all; nothing where there
  /// is none.
  const TokenSecret* live() const;
  /// Its token, and the CA of kube-root-ca.crt where there is one: a secret's may be behind.
  std::optional<Credentials> live_credentials() const;
  /// Stored against live; everything differs where there is nothing live.
  Comparison comparison() const;
};

/// "accepts it", "rejects it"; empty where it was not asked.
std::string says(Verdict verdict);

/// Pods that run as the agents' service account.
std::vector<Pod> agent_pods(const std::vector<Pod>& pods);

/// The service account that Rancher's agents run as.
inline constexpr std::string_view agent_account = "cattle";

}  // namespace retrust
