#include "others.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "accounts.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

struct Other {
  std::string name_space;
  std::string name;
  std::string kind;  ///< DaemonSet, Deployment or StatefulSet
  std::string image;
  int pods = 1;
};

/// What the kubelet and the API server add to a pod: it is some kilobytes on a real cluster.
json::value managed_fields() {
  json::value fields{json::object{}};
  for (int i = 0; i < 60; ++i) {
    put(fields, fmt::format("/f:status/f:condition-{}/.", i), json::object{});
    put(fields, fmt::format("/f:status/f:condition-{}/f:lastTransitionTime", i), json::object{});
  }
  json::value entry{json::object{}};
  put(entry, "/apiVersion", "v1");
  put(entry, "/fieldsType", "FieldsV1");
  put(entry, "/manager", "kubelet");
  put(entry, "/operation", "Update");
  put(entry, "/time", pods_started());
  put(entry, "/fieldsV1", std::move(fields));
  return json::array{std::move(entry)};
}

/// As from `kubectl create namespace`: with its root CA, and its account `default`. What a pod
/// mounts for its token, up to Kubernetes 1.20.
std::vector<std::string> add_home(Cluster& cluster, const std::string& name_space,
                                  const Key& signer) {
  if (cluster.store().find({"namespaces", "", name_space}) == nullptr) {
    auto made = bare("v1", "Namespace");
    put(made, "/status/phase", "Active");
    cluster.store().create({"namespaces", "", name_space}, std::move(made));
    add_root_ca_map(cluster, name_space);
  }
  const auto account =
      add_account(cluster, {.name_space = name_space, .name = "workload", .signer = signer});
  if (cluster.kubernetes().pod_token != PodToken::secret) return {};
  return {account.mountable};
}

void add_workload(Cluster& cluster, const Other& other, const std::vector<std::string>& secrets) {
  auto& store = cluster.store();
  PodSpec spec{.account = "workload",
               .app = other.name,
               .image = other.image,
               .owner_kind = other.kind,
               .owner = other.name,
               .secrets = secrets,
               .started = pods_started(),
               .token = cluster.kubernetes().pod_token};
  if (other.kind != "StatefulSet") {
    const auto plural = other.kind == "Deployment" ? "deployments.apps" : "daemonsets.apps";
    const auto made = store.create(
        {plural, other.name_space, other.name},
        workload({other.kind, other.name, "workload", other.image, secrets, other.pods}));
    spec.owner_uid = text_at(made, "/metadata/uid");
  }
  if (other.kind == "Deployment") {
    spec.owner_kind = "ReplicaSet";
    spec.owner += "-" + random_suffix(9);
  }
  for (int i = 0; i < other.pods; ++i) {
    auto made = pod(spec, PodState::running);
    put(made, "/metadata/managedFields", managed_fields());
    store.create({"pods", other.name_space, spec.owner + "-" + random_suffix(5)}, std::move(made));
  }
}

json::value api_service(const std::string& reason, const std::string& message) {
  auto made = bare("apiregistration.k8s.io/v1", "APIService");
  json::object condition;
  condition["type"] = "Available";
  condition["status"] = reason == "Local" || reason == "Passed" ? "True" : "False";
  condition["reason"] = reason;
  condition["message"] = message;
  put(made, "/status/conditions", json::array{condition});
  return made;
}

}  // namespace

void add_others(Cluster& cluster, const Key& signer, int deployments) {
  const auto fleet = add_home(cluster, "cattle-fleet-system", signer);
  add_workload(cluster,
               {"cattle-fleet-system", "fleet-agent", "Deployment", "rancher/fleet-agent:v0.12.0"},
               fleet);
  const auto system = add_home(cluster, "kube-system", signer);
  add_workload(cluster, {"kube-system", "calico-node", "DaemonSet", "calico/node:v3.29.0", 2},
               system);
  const auto rancher = add_home(cluster, "cattle-system", signer);
  add_workload(cluster,
               {"cattle-system", "rancher-webhook", "Deployment", "rancher/rancher-webhook:v0.7.0"},
               rancher);
  const auto shop = add_home(cluster, "shop", signer);
  add_workload(cluster, {"shop", "database", "StatefulSet", "postgres:17"}, shop);
  for (int i = 0; i < deployments; ++i) {
    add_workload(cluster, {"shop", fmt::format("web-{}", i), "Deployment", "nginx:1.27"}, shop);
  }
}

// From kubernetes/kube-aggregator v0.20.0 and v0.32.0, pkg/apis/apiregistration/helpers.go,
// pkg/controllers/status (in v0.32.0 status/remote/remote_available_controller.go) and
// pkg/controllers/autoregister.
void add_api_services(Cluster& cluster, Metrics metrics) {
  auto& store = cluster.store();
  const auto add = [&](const std::string& name, json::value made) {
    store.create({"apiservices.apiregistration.k8s.io", "", name}, std::move(made));
  };
  const std::string local = "Local APIServices are always available";
  for (const std::string name : {"v1.", "v1.apps", "v1.apiregistration.k8s.io"}) {
    add(name, api_service("Local", local));
  }
  add("v1beta1.metrics.k8s.io",
      metrics == Metrics::away
          ? api_service("FailedDiscoveryCheck",
                        "failing or missing response from https://10.43.7.1:443/apis/"
                        "metrics.k8s.io/v1beta1: bad status from https://10.43.7.1:443: 401")
          : api_service("Passed", "all checks passed"));
}

void add_root_ca_map(Cluster& cluster, const std::string& name_space) {
  if (cluster.kubernetes().root_ca_map == RootCaMap::absent) return;
  auto map = bare("v1", "ConfigMap");
  put(map, "/metadata/creationTimestamp", clusters_made());
  publish_ca(cluster, map);
  cluster.store().create({"configmaps", name_space, "kube-root-ca.crt"}, std::move(map));
}

// From kubernetes/kubernetes, pkg/controller/certificates/rootcacertpublisher/publisher.go:
// syncNamespace, and the API server's field manager, which gives the manager's entry the time of
// each change (apimachinery, pkg/util/managedfields/internal/managedfieldsupdater.go).
void publish_ca(const Cluster& cluster, json::value& map) {
  put(map, "/data/ca.crt", cluster.handed_out_ca());
  if (cluster.handed_out_since().empty()) return;
  json::value entry{json::object{}};
  put(entry, "/apiVersion", "v1");
  put(entry, "/fieldsType", "FieldsV1");
  put(entry, "/manager", "kube-controller-manager");
  put(entry, "/operation", "Update");
  put(entry, "/time", cluster.handed_out_since());
  put(entry, "/fieldsV1/f:data/f:ca.crt", json::object{});
  put(map, "/metadata/managedFields", json::array{std::move(entry)});
}

}  // namespace retrust::sandbox
