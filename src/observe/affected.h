#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/names.h"

/// Objects of the downstream cluster that are not Rancher's and still use the old CA. A container
/// keeps the CA and the token that it read at its start (client-go, rest/config.go:
/// InClusterConfig). retrust restarts none of them.

namespace retrust {

/// A workload with containers that started before the CA changed.
struct AffectedWorkload {
  /// In the order in which a person restarts them: without its network plugin a node starts no pod
  /// (rancher/rancher 39649).
  enum class Role { network_plugin, fleet_agent, webhook, upgrade_controller, other };
  Role role = Role::other;
  NamespaceName name_space;
  DisplayText kind;  ///< e.g. "daemonset", or "pod" for a pod without an owner
  DisplayText name;
  ObjectName restartable = {};  ///< the name for `rollout restart`; empty if that cannot restart it
  std::size_t pods = 0;

  /// "daemonset calico-node in kube-system"
  std::string text() const;
};

/// An APIService whose condition Available is False.
struct UnavailableApi {
  DisplayText name;
  ObjectName object = {};  ///< the name for a command; empty if it is not fit for one
  DisplayText reason = {};
};

struct Affected {
  enum class Look {
    none,     ///< not asked for, or the CA never changed
    done,     ///< `workloads` has them all, apart from those of `more`
    unknown,  ///< `trouble` says why
  };
  Look look = Look::none;
  DisplayText trouble = {};
  std::optional<std::chrono::sys_seconds> since = {};  ///< the change of the CA
  bool recent = false;                                 ///< see CaChange
  /// In the order of their roles, the ones that can be restarted first.
  std::vector<AffectedWorkload> workloads = {};
  std::size_t more = 0;                   ///< pods of workloads that are not listed
  std::vector<UnavailableApi> apis = {};  ///< looked for after a recent change
  DisplayText api_trouble = {};           ///< why it is unknown which APIServices are unavailable
};

/// The authorized cluster endpoint of a clusters resource, spec.localClusterAuthEndpoint
/// (rancher/rancher v2.12.3, pkg/apis/management.cattle.io/v3/cluster_types.go:381).
struct AuthorizedEndpoint {
  bool enabled = false;
  bool has_name = false;  ///< true if kubeconfigs name `fqdn`, and hold caCerts, not status.caCert
  std::string ca_pem = {};  ///< caCerts
};

/// The last change of the CA in kube-root-ca.crt.
struct CaChange {
  enum class State { none, changed, unknown } state = State::none;
  std::chrono::sys_seconds at = {};  ///< for `changed`
  DisplayText why = {};              ///< for `unknown`
  /// True if Rancher has stored another CA, or the change is not older than 30 days, or unknown.
  bool recent = false;
};

/// Judges the ConfigMap kube-root-ca.crt with its managedFields. The CA changed if Rancher has
/// stored another one, or if a certificate is younger than the ConfigMap and the ConfigMap's data
/// were changed later. An entry's time alone proves nothing: kube-controller-manager also adds an
/// annotation after an upgrade (kubernetes/kubernetes v1.21.0,
/// pkg/controller/certificates/rootcacertpublisher/publisher.go: syncNamespace). Pure.
CaChange ca_change(const boost::json::value& map, const std::string& stored_ca_pem,
                   std::chrono::sys_seconds now);

/// True if a Pod runs with a service account's token, is not an agent's, does not end by itself,
/// and has a container that started before that time (metav1.Time). Pure.
bool uses_old_ca(const boost::json::value& pod, const NamespaceName& agents_namespace,
                 std::string_view since);

/// Counts pods by the workload that owns them.
class WorkloadCount {
 public:
  /// Adds a Pod with its names, labels and owners.
  void add(const boost::json::value& pod);
  void clear();
  /// The workloads in the order of their roles, and the number of pods beyond the limit.
  std::pair<std::vector<AffectedWorkload>, std::size_t> result() const;

 private:
  std::map<std::tuple<std::string, std::string, std::string>, AffectedWorkload> found_;
  std::size_t more_ = 0;
};

/// The APIService if its condition Available is False. Pure.
std::optional<UnavailableApi> unavailable(const boost::json::value& api_service);

AuthorizedEndpoint authorized_endpoint(const boost::json::value& cluster);

/// True if the endpoint's CAs are the old CA: none of them is live, and one of them is the stored
/// one or has the live one's subject. Pure.
bool has_old_ca(const AuthorizedEndpoint& endpoint, std::string_view stored_pem,
                std::string_view live_pem);

}  // namespace retrust
