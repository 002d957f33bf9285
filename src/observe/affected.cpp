#include "observe/affected.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "credentials/certificate.h"
#include "observe/observation.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;
using std::chrono::sys_seconds;

/// Limit of workloads, above any cluster seen. Pods of further ones are only counted.
constexpr std::size_t most_workloads = 5000;
/// Limit in bytes of a shown reason, and of a shown name.
constexpr std::size_t most_reason = 160;
constexpr std::size_t most_name = 120;

/// The time at which somebody last wrote the data of an object, by the entries of its
/// managedFields. Nothing if no entry with a time owns the data.
std::optional<sys_seconds> data_written(const json::value& object) {
  std::optional<sys_seconds> last;
  for (const auto& entry : array_at(object, "/metadata/managedFields")) {
    if (find_at(entry, "/fieldsV1/f:data") == nullptr) continue;
    const auto time = parse_time(text_at(entry, "/time"));
    if (time != sys_seconds{}) last = std::max(last.value_or(time), time);
  }
  return last;
}

/// True if a volume holds the token of the pod's service account: a Secret of the token controller
/// (kubernetes/kubernetes v1.20.2, pkg/controller/serviceaccount/tokens_controller.go:
/// ensureReferencedToken), or a projected volume (from 1.21 on).
bool holds_token(const json::value& volume, const std::string& account) {
  if (text_at(volume, "/secret/secretName").starts_with(account + "-token-")) return true;
  const auto& sources = array_at(volume, "/projected/sources");
  return std::any_of(sources.begin(), sources.end(), [](const json::value& source) {
    return find_at(source, "/serviceAccountToken") != nullptr;
  });
}

/// The controller of a pod, or null.
const json::value* controller_of(const json::value& pod) {
  for (const auto& owner : array_at(pod, "/metadata/ownerReferences")) {
    const auto* controls = find_at(owner, "/controller");
    if (controls != nullptr && controls->is_bool() && controls->get_bool()) return &owner;
  }
  return nullptr;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct Owner {
  std::string kind;
  std::string name;
  bool restartable = false;
};

/// The workload of a pod. The Deployment of a ReplicaSet has the ReplicaSet's name without the hash
/// of the pods' label (kubernetes/kubernetes v1.20.2, pkg/controller/deployment/sync.go:
/// getNewReplicaSet).
Owner owner_of(const json::value& pod) {
  const auto* controller = controller_of(pod);
  if (controller == nullptr) return {"pod", text_at(pod, "/metadata/name")};
  const auto kind = text_at(*controller, "/kind");
  auto name = text_at(*controller, "/name");
  const auto built_in = text_at(*controller, "/apiVersion").starts_with("apps/");
  if (built_in && kind == "ReplicaSet") {
    const auto ending = "-" + text_at(pod, "/metadata/labels/pod-template-hash");
    if (ending.size() > 1 && name.size() > ending.size() && name.ends_with(ending)) {
      name.resize(name.size() - ending.size());
      return {"deployment", std::move(name), true};
    }
  }
  const auto restartable = built_in && (kind == "DaemonSet" || kind == "StatefulSet");
  return {lower(kind), std::move(name), restartable};
}

/// Names that the projects give their agents of nodes and their controllers.
bool is_network_plugin(std::string_view name_space, std::string_view name) {
  constexpr std::array spaces{"kube-system", "calico-system", "kube-flannel"};
  constexpr std::array names{"calico-node",    "calico-typha", "calico-kube-controllers",
                             "canal",          "rke2-canal",   "flannel",
                             "cilium",         "weave-net",    "kube-router",
                             "antrea-agent",   "kube-ovn-cni", "aws-node",
                             "cilium-operator"};
  if (std::find(spaces.begin(), spaces.end(), name_space) == spaces.end()) return false;
  return name.starts_with("kube-flannel") ||
         std::find(names.begin(), names.end(), name) != names.end();
}

AffectedWorkload::Role role_of(std::string_view name_space, std::string_view name) {
  using Role = AffectedWorkload::Role;
  if (is_network_plugin(name_space, name)) return Role::network_plugin;
  if (name == "fleet-agent" && name_space.starts_with("cattle-fleet-")) return Role::fleet_agent;
  if (name == "rancher-webhook" && name_space == "cattle-system") return Role::webhook;
  if (name == "system-upgrade-controller" && name_space == "cattle-system") {
    return Role::upgrade_controller;
  }
  return Role::other;
}

}  // namespace

std::string AffectedWorkload::text() const {
  return fmt::format("{} {} in {}", kind, name, name_space);
}

CaChange ca_change(const json::value& map, const std::string& stored_ca_pem, sys_seconds now) {
  // Between the clocks of the machines.
  constexpr std::chrono::minutes skew{10};
  const auto ca_pem = text_at(map, "/data/ca.crt");
  if (ca_pem.empty()) return {};
  const auto created = parse_time(text_at(map, "/metadata/creationTimestamp"));
  const auto certificates = parse_certificates(ca_pem);
  const auto younger =
      std::any_of(certificates.begin(), certificates.end(),
                  [&](const Certificate& each) { return each.not_before > created; });
  const auto differs = !stored_ca_pem.empty() && !contains_certificates(stored_ca_pem, ca_pem);
  if (!differs && !younger) return {};
  const auto written = data_written(map);
  if (!written)
    return {
        CaChange::State::unknown, {}, "the managedFields of kube-root-ca.crt tell no time", true};
  if (*written < created || *written > now + skew) {
    return {CaChange::State::unknown,
            {},
            "the time in the managedFields of kube-root-ca.crt cannot be right",
            true};
  }
  if (!differs && *written == created) return {};
  // Users and others take their time after a renewal. Later trouble has other causes.
  constexpr std::chrono::days while_recent{30};
  return {CaChange::State::changed, *written, {}, differs || now - *written <= while_recent};
}

bool uses_old_ca(const json::value& pod, const NamespaceName& agents_namespace,
                 std::string_view since) {
  if (!text_at(pod, "/metadata/deletionTimestamp").empty()) return false;
  // Such a pod ends by itself: a Job's, or a helm operation of Rancher's (rancher/rancher v2.12.3,
  // pkg/catalogv2/helmop/operation.go). Pods of the other workloads have Always.
  const auto restarts = text_at(pod, "/spec/restartPolicy");
  if (restarts == "Never" || restarts == "OnFailure") return false;
  const auto account = text_at(pod, "/spec/serviceAccountName");
  if (account == agent_account && text_at(pod, "/metadata/namespace") == agents_namespace) {
    return false;
  }
  const auto& volumes = array_at(pod, "/spec/volumes");
  const auto token = std::any_of(volumes.begin(), volumes.end(), [&](const json::value& volume) {
    return holds_token(volume, account);
  });
  if (!token) return false;
  const auto& containers = array_at(pod, "/status/containerStatuses");
  return std::any_of(containers.begin(), containers.end(), [&](const json::value& container) {
    // Texts of this form are in the order of their times.
    const auto started = text_at(container, "/state/running/startedAt");
    return !started.empty() && started < since;
  });
}

void WorkloadCount::add(const json::value& pod) {
  const auto name_space = text_at(pod, "/metadata/namespace");
  const auto owner = owner_of(pod);
  const auto key = std::tuple(name_space, owner.kind, owner.name);
  auto found = found_.find(key);
  if (found == found_.end()) {
    if (found_.size() == most_workloads || !LabelRule::allows(name_space)) {
      ++more_;
      return;
    }
    AffectedWorkload made{role_of(name_space, owner.name), name_space,
                          DisplayText(owner.kind, most_name), DisplayText(owner.name, most_name)};
    if (owner.restartable) made.restartable = ObjectName::if_allowed(owner.name);
    found = found_.emplace(key, std::move(made)).first;
  }
  ++found->second.pods;
}

void WorkloadCount::clear() {
  found_.clear();
  more_ = 0;
}

std::pair<std::vector<AffectedWorkload>, std::size_t> WorkloadCount::result() const {
  std::vector<AffectedWorkload> workloads;
  for (const auto& [key, workload] : found_) workloads.push_back(workload);
  std::stable_sort(workloads.begin(), workloads.end(), [](const auto& a, const auto& b) {
    return std::pair(a.role, a.restartable.empty()) < std::pair(b.role, b.restartable.empty());
  });
  return {std::move(workloads), more_};
}

std::optional<UnavailableApi> unavailable(const json::value& api_service) {
  for (const auto& condition : array_at(api_service, "/status/conditions")) {
    if (text_at(condition, "/type") != "Available") continue;
    if (text_at(condition, "/status") != "False") return std::nullopt;
    const auto name = text_at(api_service, "/metadata/name");
    return UnavailableApi{DisplayText(name, most_name), ObjectName::if_allowed(name),
                          DisplayText(text_at(condition, "/reason"), most_reason)};
  }
  return std::nullopt;
}

AuthorizedEndpoint authorized_endpoint(const json::value& cluster) {
  AuthorizedEndpoint endpoint;
  const auto* enabled = find_at(cluster, "/spec/localClusterAuthEndpoint/enabled");
  endpoint.enabled = enabled != nullptr && enabled->is_bool() && enabled->get_bool();
  endpoint.has_name = !text_at(cluster, "/spec/localClusterAuthEndpoint/fqdn").empty();
  endpoint.ca_pem = text_at(cluster, "/spec/localClusterAuthEndpoint/caCerts");
  return endpoint;
}

bool has_old_ca(const AuthorizedEndpoint& endpoint, std::string_view stored_pem,
                std::string_view live_pem) {
  const auto held = parse_certificates(endpoint.ca_pem);
  const auto live = parse_certificates(live_pem);
  const auto stored = parse_certificates(stored_pem);
  const auto is_one_of = [](const std::vector<Certificate>& all, const Certificate& one) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Certificate& each) { return each.sha256 == one.sha256; });
  };
  if (live.empty() || std::any_of(held.begin(), held.end(),
                                  [&](const Certificate& each) { return is_one_of(live, each); })) {
    return false;
  }
  return std::any_of(held.begin(), held.end(), [&](const Certificate& each) {
    return is_one_of(stored, each) ||
           std::any_of(live.begin(), live.end(),
                       [&](const Certificate& new_one) { return new_one.subject == each.subject; });
  });
}

}  // namespace retrust
