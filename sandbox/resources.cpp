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
  // Up to Kubernetes 1.26 those that are built in have none.
  described["singularName"] = resource.is_custom() ? resource.singular : "";
  described["namespaced"] = resource.scope == Scope::namespaced;
  described["kind"] = resource.kind;
  if (!resource.short_names.empty()) {
    described["shortNames"] = json::array(resource.short_names.begin(), resource.short_names.end());
  }
  described["verbs"] = verbs_of(resource);
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

json::object version_document(const std::string& kubernetes_version) {
  const auto dot = kubernetes_version.find('.');
  const auto major = kubernetes_version.substr(0, dot);
  auto minor = kubernetes_version.substr(dot + 1);
  minor = minor.substr(0, minor.find('.'));
  json::object document;
  document["major"] = major;
  document["minor"] = minor;
  document["gitVersion"] = fmt::format("v{}.{}.15", major, minor);
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
      {"apiextensions.k8s.io",
       "v1",
       "customresourcedefinitions",
       "customresourcedefinition",
       "CustomResourceDefinition",
       {"crd", "crds"},
       cluster},
  };
}

std::vector<Resource> rancher_resources() {
  using enum Scope;
  return {
      {"management.cattle.io", "v3", "clusters", "cluster", "Cluster", {}, cluster},
      {"management.cattle.io", "v3", "settings", "setting", "Setting", {}, cluster},
      {"management.cattle.io",
       "v3",
       "clusterregistrationtokens",
       "clusterregistrationtoken",
       "ClusterRegistrationToken",
       {},
       namespaced},
  };
}

bool selectable(const Resource& resource, const std::string& field) {
  if (field == "metadata.name" || field == "metadata.namespace") return true;
  static const std::set<std::pair<std::string, std::string>> known{
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
                                     const std::string& kubernetes_version, std::string_view path) {
  if (path == "/version") return version_document(kubernetes_version);
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
