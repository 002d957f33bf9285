#include "observe/trim.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>

#include "base/json.h"
#include "observe/affected.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Keys = std::initializer_list<std::string_view>;

/// The object at a member, or null.
json::object* member(json::object& object, std::string_view key) {
  auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

void keep_alone(json::object* object, Keys keys) {
  if (object == nullptr) return;
  json::object left(object->storage());
  for (auto& each : *object) {
    if (std::find(keys.begin(), keys.end(), std::string_view(each.key())) != keys.end()) {
      left.emplace(each.key(), std::move(each.value()));
    }
  }
  *object = std::move(left);
}

/// Keeps of each container the variable of its environment that is read. Others may be secrets.
void trim_containers(json::object& spec) {
  auto* containers = spec.if_contains("containers");
  if (containers == nullptr || !containers->is_array()) return;
  for (auto& container : containers->get_array()) {
    auto* object = container.if_object();
    keep_alone(object, {"env"});
    auto* env = object == nullptr ? nullptr : object->if_contains("env");
    if (env == nullptr || !env->is_array()) continue;
    json::array kept(env->storage());
    for (auto& variable : env->get_array()) {
      if (text_at(variable, "/name") == "CATTLE_CA_CHECKSUM") kept.push_back(std::move(variable));
    }
    *env = std::move(kept);
  }
}

void trim_pod(json::object& pod) {
  keep_alone(&pod, {"kind", "metadata", "spec", "status"});
  if (auto* spec = member(pod, "spec")) {
    keep_alone(spec, {"serviceAccountName", "volumes", "containers"});
    trim_containers(*spec);
  }
  if (auto* metadata = member(pod, "metadata")) {
    metadata->erase("annotations");
    metadata->erase("managedFields");
  }
}

/// Makes a Trim that calls `by_kind` with the kind and name of each object, except pods and
/// namespaces.
template <typename ByKind>
Trim trim_with(ByKind by_kind) {
  return [by_kind = std::move(by_kind)](json::value& item) {
    auto* object = item.if_object();
    if (object == nullptr) return;
    const auto kind = text_at(item, "/kind");
    if (kind == "Pod") {
      trim_pod(*object);
    } else if (kind == "Namespace") {
      // Rancher makes several namespaces for each cluster, project and user.
      keep_alone(object, {"kind", "metadata"});
      keep_alone(member(*object, "metadata"), {"name", "uid"});
    } else {
      by_kind(item, *object, kind, text_at(item, "/metadata/name"));
    }
  };
}

}  // namespace

Trim downstream_trim() {
  return trim_with([](const json::value& item, json::object& object, std::string_view kind,
                      std::string_view name) {
    if (kind == "Secret" && !name.starts_with("cattle-credentials-") &&
        text_at(item, "/type") != "kubernetes.io/service-account-token") {
      object.erase("data");
    } else if (kind == "ConfigMap" && name != "kube-root-ca.crt") {
      object.erase("data");
      object.erase("binaryData");
    }
  });
}

Trim token_trim() {
  return [](json::value& item) {
    auto* secret = item.if_object();
    if (secret == nullptr) return;
    keep_alone(secret, {"kind", "type", "metadata", "data"});
    keep_alone(member(*secret, "data"), {"token"});
    auto* metadata = member(*secret, "metadata");
    keep_alone(metadata, {"name", "namespace", "uid", "resourceVersion", "annotations"});
    if (metadata != nullptr) {
      keep_alone(member(*metadata, "annotations"), {"kubernetes.io/service-account.name"});
    }
  };
}

Trim event_trim() {
  return [](json::value& item) {
    auto* event = item.if_object();
    if (event == nullptr) return;
    keep_alone(event, {"kind", "type", "reason", "message", "involvedObject", "source",
                       "lastTimestamp", "eventTime", "series"});
    keep_alone(member(*event, "involvedObject"), {"kind", "namespace", "name", "uid"});
    keep_alone(member(*event, "source"), {"component", "host"});
  };
}

Trim node_trim() {
  return [](json::value& item) {
    auto* node = item.if_object();
    if (node == nullptr) return;
    keep_alone(node, {"kind", "metadata", "spec", "status"});
    keep_alone(member(*node, "metadata"), {"name", "labels"});
    keep_alone(member(*node, "spec"), {"unschedulable"});
    keep_alone(member(*node, "status"), {"conditions"});
  };
}

Trim old_pod_trim(NamespaceName agents_namespace, std::string since) {
  return [agents_namespace = std::move(agents_namespace),
          since = std::move(since)](json::value& item) {
    auto* pod = item.if_object();
    if (pod == nullptr) return;
    if (!uses_old_ca(item, agents_namespace, since)) {
      pod->clear();
      return;
    }
    keep_alone(pod, {"metadata"});
    auto* metadata = member(*pod, "metadata");
    keep_alone(metadata, {"name", "namespace", "labels", "ownerReferences"});
    if (metadata != nullptr) keep_alone(member(*metadata, "labels"), {"pod-template-hash"});
  };
}

Trim api_service_trim() {
  return [](json::value& item) {
    auto* service = item.if_object();
    if (service == nullptr) return;
    keep_alone(service, {"metadata", "status"});
    keep_alone(member(*service, "metadata"), {"name"});
    // Items of a list have no kind, and the rule for names depends on it.
    service->emplace("kind", "APIService");
  };
}

Trim name_trim() {
  return [](json::value& item) {
    auto* object = item.if_object();
    if (object == nullptr) return;
    keep_alone(object, {"kind", "metadata"});
    keep_alone(member(*object, "metadata"), {"name"});
  };
}

Trim spec_trim() {
  return [](json::value& item) { keep_alone(item.if_object(), {"kind", "spec"}); };
}

Trim local_trim(std::string wanted) {
  return trim_with([wanted = std::move(wanted)](const json::value& item, json::object& object,
                                                std::string_view kind, std::string_view name) {
    if (kind == "Cluster" && name != wanted && text_at(item, "/spec/displayName") != wanted) {
      keep_alone(&object, {"kind", "metadata", "spec"});
      keep_alone(member(object, "metadata"), {"name"});
      keep_alone(member(object, "spec"), {"displayName"});
    } else if (kind == "Setting" && name != "server-version" && name != "server-url") {
      keep_alone(&object, {"kind"});
    }
  });
}

}  // namespace retrust
