#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "profile.h"

namespace retrust::sandbox {

enum class Scope { cluster, namespaced };

/// One resource type that an API server knows.
struct Resource {
  std::string group;  ///< empty for the core group
  std::string version;
  std::string plural;
  std::string singular;
  std::string kind;
  std::vector<std::string> short_names;
  Scope scope;
  StatusSubresource status = StatusSubresource::absent;

  /// As the store names it: "secrets", "deployments.apps".
  std::string id() const { return group.empty() ? plural : plural + "." + group; }
  /// Comes from a CustomResourceDefinition.
  bool is_custom() const { return group.ends_with(".cattle.io") || group.ends_with(".x-k8s.io"); }
  /// Whether an update without a resourceVersion is refused. From kubernetes/kubernetes v1.23.13,
  /// pkg/registry/coordination/lease/strategy.go: AllowUnconditionalUpdate.
  bool needs_version() const { return is_custom() || id() == "leases.coordination.k8s.io"; }
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

/// What every Kubernetes has, and what Rancher's custom resources add in its own cluster.
std::vector<Resource> kubernetes_resources();
std::vector<Resource> rancher_resources(const RancherProfile& rancher);

/// The CustomResourceDefinition of a custom resource, which takes any field.
boost::json::value definition(const Resource& resource);

/// Whether a fieldSelector may name that field.
bool selectable(const Resource& resource, const std::string& field);

/// The discovery document at that path (/version, /api, /apis/apps/v1 …), where there is one.
std::optional<boost::json::value> discovery(const std::vector<Resource>& resources,
                                            const KubernetesProfile& kubernetes,
                                            std::string_view path);

}  // namespace retrust::sandbox
