#include "resources.h"

#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

json::array verbs_of(const Resource& resource) {
  if (resource.plural.ends_with("reviews")) return {"create"};
  if (resource.plural == "componentstatuses") return {"get", "list"};
  json::array verbs{"create", "delete", "deletecollection", "get",
                    "list",   "patch",  "update",           "watch"};
  if (resource.plural == "namespaces") verbs.erase(verbs.begin() + 2);
  return verbs;
}

json::object api_resource(const Resource& resource) {
  json::object described;
  described["name"] = resource.plural;
  // Up to Kubernetes 1.26 built-in resources have none.
  described["singularName"] = resource.is_custom() ? resource.singular : "";
  described["namespaced"] = resource.scope == Scope::namespaced;
  described["kind"] = resource.kind;
  if (!resource.short_names.empty()) {
    described["shortNames"] = json::array(resource.short_names.begin(), resource.short_names.end());
  }
  described["verbs"] = verbs_of(resource);
  return described;
}

json::object status_resource(const Resource& resource) {
  json::object described;
  described["name"] = resource.plural + "/status";
  described["singularName"] = "";
  described["namespaced"] = resource.scope == Scope::namespaced;
  described["kind"] = resource.kind;
  described["verbs"] = json::array{"get", "patch", "update"};
  return described;
}

json::object resource_list(const std::vector<Resource>& resources, const std::string& group,
                           const std::string& version) {
  json::object list;
  list["kind"] = "APIResourceList";
  if (!group.empty()) list["apiVersion"] = "v1";
  list["groupVersion"] = group.empty() ? version : group + "/" + version;
  json::array members;
  for (const auto& resource : resources) {
    if (resource.group == group && resource.version == version) {
      members.emplace_back(api_resource(resource));
      if (resource.status == StatusSubresource::present) {
        members.emplace_back(status_resource(resource));
      }
    }
  }
  list["resources"] = std::move(members);
  return list;
}

json::object group_document(const std::string& group, const std::string& version) {
  json::object described;
  described["groupVersion"] = group + "/" + version;
  described["version"] = version;
  json::object document;
  document["name"] = group;
  document["versions"] = json::array{described};
  document["preferredVersion"] = described;
  return document;
}

json::object version_document(const KubernetesProfile& kubernetes) {
  json::object document;
  document["major"] = std::to_string(kubernetes.number.major);
  document["minor"] = std::to_string(kubernetes.number.minor);
  document["gitVersion"] = kubernetes.git_version;
  document["gitCommit"] = "0000000000000000000000000000000000000000";
  document["gitTreeState"] = "clean";
  document["buildDate"] = "2022-01-19T17:23:01Z";
  document["goVersion"] = "go1.15.15";
  document["compiler"] = "gc";
  document["platform"] = "linux/amd64";
  return document;
}

}  // namespace

std::vector<Resource> kubernetes_resources() {
  using enum Scope;
  return {
      {"", "v1", "namespaces", "namespace", "Namespace", {"ns"}, cluster},
      {"", "v1", "nodes", "node", "Node", {"no"}, cluster},
      {"", "v1", "events", "event", "Event", {"ev"}, namespaced},
      {"", "v1", "pods", "pod", "Pod", {"po"}, namespaced},
      {"", "v1", "secrets", "secret", "Secret", {}, namespaced},
      {"", "v1", "configmaps", "configmap", "ConfigMap", {"cm"}, namespaced},
      {"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", {"sa"}, namespaced},
      {"", "v1", "componentstatuses", "componentstatus", "ComponentStatus", {"cs"}, cluster},
      {"apps", "v1", "deployments", "deployment", "Deployment", {"deploy"}, namespaced},
      {"apps", "v1", "daemonsets", "daemonset", "DaemonSet", {"ds"}, namespaced},
      {"apps", "v1", "replicasets", "replicaset", "ReplicaSet", {"rs"}, namespaced},
      {"authentication.k8s.io", "v1", "tokenreviews", "tokenreview", "TokenReview", {}, cluster},
      {"authorization.k8s.io",
       "v1",
       "selfsubjectaccessreviews",
       "selfsubjectaccessreview",
       "SelfSubjectAccessReview",
       {},
       cluster},
      {"coordination.k8s.io", "v1", "leases", "lease", "Lease", {}, namespaced},
      {"apiregistration.k8s.io", "v1", "apiservices", "apiservice", "APIService", {}, cluster},
      {"apiextensions.k8s.io",
       "v1",
       "customresourcedefinitions",
       "customresourcedefinition",
       "CustomResourceDefinition",
       {"crd", "crds"},
       cluster},
  };
}

std::vector<Resource> rancher_resources(const RancherProfile& rancher) {
  using enum Scope;
  std::vector<Resource> resources{
      {"management.cattle.io",
       "v3",
       "clusters",
       "cluster",
       "Cluster",
       {},
       cluster,
       rancher.status_subresource},
      {"management.cattle.io", "v3", "settings", "setting", "Setting", {}, cluster},
      {"management.cattle.io",
       "v3",
       "clusterregistrationtokens",
       "clusterregistrationtoken",
       "ClusterRegistrationToken",
       {},
       namespaced}};
  // Others that are called clusters too: what a bare `clusters` means is a matter of their order.
  // rancher/rancher v2.5.0, pkg/controllers/dashboard/fleetcharts; v2.6.0, pkg/crds/provisioningv2.
  struct Other {
    Version since;
    const char* group;
    const char* version;
  };
  for (const auto& other : {Other{{2, 6, 0}, "provisioning.cattle.io", "v1"},
                            Other{{2, 5, 0}, "fleet.cattle.io", "v1alpha1"},
                            Other{{2, 6, 0}, "cluster.x-k8s.io", "v1beta1"}}) {
    if (rancher.number < other.since) continue;
    resources.push_back({other.group,
                         other.version,
                         "clusters",
                         "cluster",
                         "Cluster",
                         {},
                         namespaced,
                         StatusSubresource::present});
  }
  return resources;
}

json::value definition(const Resource& resource) {
  json::object any_field;
  any_field["type"] = "object";
  any_field["x-kubernetes-preserve-unknown-fields"] = true;
  json::object version;
  version["name"] = resource.version;
  version["served"] = true;
  version["storage"] = true;
  version["schema"].emplace_object()["openAPIV3Schema"] = std::move(any_field);
  if (resource.status == StatusSubresource::present) {
    version["subresources"].emplace_object()["status"].emplace_object();
  }
  json::object names;
  names["plural"] = resource.plural;
  names["singular"] = resource.singular;
  names["kind"] = resource.kind;
  names["listKind"] = resource.kind + "List";
  json::object spec;
  spec["group"] = resource.group;
  spec["scope"] = resource.scope == Scope::cluster ? "Cluster" : "Namespaced";
  spec["names"] = std::move(names);
  spec["versions"] = json::array{version};
  json::object made;
  made["apiVersion"] = "apiextensions.k8s.io/v1";
  made["kind"] = "CustomResourceDefinition";
  made["metadata"].emplace_object()["name"] = resource.id();
  made["spec"] = std::move(spec);
  return made;
}

bool selectable(const Resource& resource, const std::string& field) {
  if (field == "metadata.name" || field == "metadata.namespace") return true;
  static const std::set<std::pair<std::string, std::string>> known{
      {"events", "reason"},
      {"events", "type"},
      {"namespaces", "status.phase"},
      {"nodes", "spec.unschedulable"},
      {"pods", "spec.nodeName"},
      {"pods", "spec.restartPolicy"},
      {"pods", "spec.schedulerName"},
      {"pods", "spec.serviceAccountName"},
      {"pods", "status.nominatedNodeName"},
      {"pods", "status.phase"},
      {"pods", "status.podIP"},
      {"replicasets.apps", "status.replicas"},
      {"secrets", "type"}};
  return known.contains({resource.id(), field});
}

std::optional<json::value> discovery(const std::vector<Resource>& resources,
                                     const KubernetesProfile& kubernetes, std::string_view path) {
  if (path == "/version") return version_document(kubernetes);
  if (path == "/api") {
    json::object document;
    document["kind"] = "APIVersions";
    document["versions"] = json::array{"v1"};
    return document;
  }
  if (path == "/api/v1") return resource_list(resources, "", "v1");
  std::set<std::pair<std::string, std::string>> groups;
  for (const auto& resource : resources) {
    if (!resource.group.empty()) groups.emplace(resource.group, resource.version);
  }
  if (path == "/apis") {
    json::array described;
    for (const auto& [group, version] : groups) {
      described.emplace_back(group_document(group, version));
    }
    json::object document;
    document["kind"] = "APIGroupList";
    document["apiVersion"] = "v1";
    document["groups"] = std::move(described);
    return document;
  }
  for (const auto& [group, version] : groups) {
    if (path == fmt::format("/apis/{}", group)) {
      auto document = group_document(group, version);
      document["kind"] = "APIGroup";
      document["apiVersion"] = "v1";
      return document;
    }
    if (path == fmt::format("/apis/{}/{}", group, version)) {
      return resource_list(resources, group, version);
    }
  }
  return std::nullopt;
}

}  // namespace retrust::sandbox
