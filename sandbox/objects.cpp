#include "objects.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "cluster.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

json::array volumes(const std::vector<std::string>& secrets) {
  json::array list;
  for (const auto& name : secrets) {
    json::object source;
    source["secretName"] = name;
    json::object volume;
    volume["name"] = name;
    volume["secret"] = std::move(source);
    list.emplace_back(std::move(volume));
  }
  return list;
}

/// What the API server adds to a pod from Kubernetes 1.21 on: a token that the kubelet asks for and
/// that no secret holds.
json::value token_volume() {
  auto volume = json::parse(R"({"projected": {"defaultMode": 420, "sources": [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace",
      "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}})");
  put(volume, "/name", "kube-api-access-" + random_suffix(5));
  return volume;
}

json::object pod_spec(const std::string& account, const std::string& image,
                      const std::vector<std::string>& secrets) {
  json::object container;
  container["name"] = "main";
  container["image"] = image;
  if (account == "cattle") {
    json::object checksum;
    checksum["name"] = "CATTLE_CA_CHECKSUM";
    checksum["value"] = sha256_hex(rancher_ca);
    container["env"] = json::array{checksum};
  }
  json::object spec;
  spec["serviceAccountName"] = account;
  spec["containers"] = json::array{container};
  spec["volumes"] = volumes(secrets);
  return spec;
}

json::object condition(std::string_view type, std::string_view status) {
  json::object made;
  made["type"] = type;
  made["status"] = status;
  return made;
}

}  // namespace

json::value bare(std::string_view api_version, std::string_view kind) {
  json::object object;
  object["apiVersion"] = api_version;
  object["kind"] = kind;
  object["metadata"] = json::object{};
  return object;
}

json::value token_secret(const TokenSecretSpec& spec) {
  auto secret = bare("v1", "Secret");
  put(secret, "/metadata/annotations/kubernetes.io~1service-account.name", spec.account);
  put(secret, "/metadata/annotations/kubernetes.io~1service-account.uid", spec.account_uid);
  if (!spec.created.empty()) put(secret, "/metadata/creationTimestamp", spec.created);
  put(secret, "/type", "kubernetes.io/service-account-token");
  return secret;
}

json::value token_data(const TokenSecretSpec& spec, const Key& key, const std::string& ca_base64) {
  json::object claims;
  claims["iss"] = "kubernetes/serviceaccount";
  claims["kubernetes.io/serviceaccount/namespace"] = spec.name_space;
  claims["kubernetes.io/serviceaccount/secret.name"] = spec.name;
  claims["kubernetes.io/serviceaccount/service-account.name"] = spec.account;
  claims["kubernetes.io/serviceaccount/service-account.uid"] = spec.account_uid;
  claims["sub"] = "system:serviceaccount:" + spec.name_space + ":" + spec.account;
  json::object data;
  data["ca.crt"] = ca_base64;
  data["namespace"] = secret_data(spec.name_space);
  data["token"] = secret_data(sign_jwt(key, claims));
  return data;
}

json::value opaque_secret(const std::vector<std::pair<std::string, std::string>>& data) {
  auto secret = bare("v1", "Secret");
  put(secret, "/type", "Opaque");
  for (const auto& [key, value] : data) put(secret, "/data/" + key, secret_data(value));
  return secret;
}

json::value pod(const PodSpec& spec, PodState state) {
  auto made = bare("v1", "Pod");
  put(made, "/metadata/labels/app", spec.app);
  if (!spec.owner.empty()) {
    json::object owner;
    owner["apiVersion"] = "apps/v1";
    owner["kind"] = spec.owner_kind;
    owner["name"] = spec.owner;
    owner["uid"] = spec.owner_uid;
    owner["controller"] = true;
    put(made, "/metadata/ownerReferences", json::array{owner});
  }
  if (spec.owner_kind == "ReplicaSet") {
    put(made, "/metadata/labels/pod-template-hash", spec.owner.substr(spec.owner.rfind('-') + 1));
  }
  put(made, "/spec", pod_spec(spec.account, spec.image, spec.secrets));
  if (spec.token == PodToken::projected_volume) {
    made.at("spec").at("volumes").as_array().push_back(token_volume());
  }
  put(made, "/spec/nodeName", "node-1");
  if (!spec.started.empty()) put(made, "/metadata/creationTimestamp", spec.started);
  if (state == PodState::running) {
    make_running(made, spec.started);
  } else {
    put(made, "/status/phase", "Pending");
    put(made, "/status/conditions", json::array{condition("Ready", "False")});
  }
  return made;
}

void make_running(json::value& pod, const std::string& started) {
  const auto since = started.empty() ? now_text() : started;
  json::object running;
  running["startedAt"] = since;
  json::object state;
  state["running"] = std::move(running);
  json::object container;
  container["name"] = text_at(pod, "/spec/containers/0/name");
  container["image"] = text_at(pod, "/spec/containers/0/image");
  container["imageID"] = "";
  container["ready"] = true;
  container["restartCount"] = 0;
  container["state"] = std::move(state);
  put(pod, "/status/phase", "Running");
  put(pod, "/status/startTime", since);
  put(pod, "/status/conditions", json::array{condition("Ready", "True")});
  put(pod, "/status/containerStatuses", json::array{container});
}

void make_crashing(json::value& pod, const std::string& last_words) {
  const auto* before = find_at(pod, "/status/containerStatuses/0/restartCount");
  const auto restarts = before == nullptr ? 0 : before->to_number<std::int64_t>() + 1;
  json::value container{json::object{}};
  put(container, "/name", text_at(pod, "/spec/containers/0/name"));
  put(container, "/image", text_at(pod, "/spec/containers/0/image"));
  put(container, "/imageID", "");
  put(container, "/ready", false);
  put(container, "/restartCount", restarts);
  put(container, "/state/waiting/reason", "CrashLoopBackOff");
  put(container, "/state/waiting/message",
      fmt::format("back-off 10s restarting failed container={} pod={}", text_at(container, "/name"),
                  text_at(pod, "/metadata/name")));
  put(container, "/lastState/terminated/exitCode", 1);
  put(container, "/lastState/terminated/reason", "Error");
  put(container, "/lastState/terminated/message", last_words);
  put(container, "/lastState/terminated/finishedAt", now_text());
  auto unready = condition("Ready", "False");
  unready["reason"] = "ContainersNotReady";
  unready["message"] = "containers with unready status: [main]";
  put(pod, "/status/phase", "Running");
  put(pod, "/status/conditions", json::array{unready});
  put(pod, "/status/containerStatuses", json::array{container});
}

void make_waiting(json::value& pod, const std::string& reason, const std::string& message) {
  json::value container{json::object{}};
  put(container, "/name", text_at(pod, "/spec/containers/0/name"));
  put(container, "/image", text_at(pod, "/spec/containers/0/image"));
  put(container, "/imageID", "");
  put(container, "/ready", false);
  put(container, "/restartCount", 0);
  put(container, "/state/waiting/reason", reason);
  if (!message.empty()) put(container, "/state/waiting/message", message);
  put(pod, "/status/phase", "Pending");
  put(pod, "/status/conditions", json::array{condition("Ready", "False")});
  put(pod, "/status/containerStatuses", json::array{container});
}

void make_unschedulable(json::value& pod) {
  auto scheduled = condition("PodScheduled", "False");
  scheduled["reason"] = "Unschedulable";
  scheduled["message"] = "0/1 nodes are available: 1 node(s) were unschedulable.";
  put(pod, "/status/phase", "Pending");
  put(pod, "/status/conditions", json::array{scheduled});
}

json::value node(const std::string& state) {
  auto made = bare("v1", "Node");
  auto ready = condition("Ready", state == "not-ready" ? "False" : "True");
  ready["reason"] = state == "not-ready" ? "KubeletNotReady" : "KubeletReady";
  ready["message"] = state == "not-ready"
                         ? "container runtime network not ready: NetworkReady=false "
                           "reason:NetworkPluginNotReady message:cni config uninitialized"
                         : "kubelet is posting ready status";
  put(made, "/status/conditions", json::array{ready});
  if (state == "cordoned") put(made, "/spec/unschedulable", true);
  return made;
}

json::value no_network_event(const std::string& name_space, const std::string& pod,
                             const std::string& at, const std::string& uid) {
  auto made = bare("v1", "Event");
  put(made, "/involvedObject/kind", "Pod");
  put(made, "/involvedObject/namespace", name_space);
  put(made, "/involvedObject/name", pod);
  put(made, "/involvedObject/uid", uid);
  put(made, "/type", "Warning");
  put(made, "/reason", "FailedCreatePodSandBox");
  put(made, "/message",
      "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for "
      "sandbox \"" +
          sha256_hex(uid) +
          "\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection "
          "is "
          "unauthorized: Unauthorized");
  put(made, "/source/component", "kubelet");
  put(made, "/source/host", "node-1");
  put(made, "/firstTimestamp", at);
  put(made, "/lastTimestamp", at);
  put(made, "/count", 1);
  return made;
}

std::vector<std::string> mounted_secrets(const json::value& pod) {
  std::vector<std::string> names;
  const auto* mounts = find_at(pod, "/spec/volumes");
  if (mounts == nullptr || !mounts->is_array()) return names;
  for (const auto& volume : mounts->get_array()) {
    auto name = text_at(volume, "/secret/secretName");
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

json::value workload(const WorkloadSpec& spec) {
  auto made = bare("apps/v1", spec.kind);
  put(made, "/metadata/generation", 1);
  put(made, "/spec/selector/matchLabels/app", spec.app);
  put(made, "/spec/template/metadata/labels/app", spec.app);
  put(made, "/spec/template/spec", pod_spec(spec.account, spec.image, spec.secrets));
  put(made, "/status/observedGeneration", 1);
  if (spec.kind == "Deployment") {
    put(made, "/spec/replicas", spec.replicas);
    for (const std::string_view field :
         {"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"}) {
      put(made, "/status/" + std::string(field), spec.replicas);
    }
  } else {
    put(made, "/spec/updateStrategy/type", "RollingUpdate");
    for (const std::string_view field :
         {"desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled",
          "numberReady", "numberAvailable"}) {
      put(made, "/status/" + std::string(field), 1);
    }
  }
  return made;
}

json::value cluster_resource(const ClusterSpec& spec) {
  auto made = bare("management.cattle.io/v3", "Cluster");
  put(made, "/metadata/annotations/authz.management.cattle.io~1creator-role-bindings", "{}");
  put(made, "/metadata/finalizers", json::array{"controller.cattle.io/cluster-agent-controller"});
  put(made, "/spec/displayName", spec.display_name);
  put(made, "/spec/description", "");
  put(made, "/status/driver", spec.driver);
  put(made, "/status/apiEndpoint", "https://10.43.0.1:443");
  put(made, "/status/caCert", spec.ca_base64);
  json::array conditions;
  if (spec.tunnel_check == TunnelCheck::present) {
    conditions.push_back(condition("Connected", "True"));
  }
  if (!spec.ready.empty()) conditions.push_back(condition("Ready", spec.ready));
  if (!spec.token_secret.empty()) {
    put(made, "/status/serviceAccountTokenSecret", spec.token_secret);
    conditions.push_back(condition("ServiceAccountSecretsMigrated", "True"));
  } else if (!spec.token.empty()) {
    put(made, "/status/serviceAccountToken", spec.token);
  }
  put(made, "/status/version/gitVersion", spec.kubernetes);
  put(made, "/status/conditions", std::move(conditions));
  return made;
}

json::value credential_secret(const json::value& cluster, const std::string& token) {
  auto made = opaque_secret({{"credential", token}});
  json::object owner;
  owner["apiVersion"] = "management.cattle.io/v3";
  owner["kind"] = "Cluster";
  owner["name"] = text_at(cluster, "/metadata/name");
  owner["uid"] = text_at(cluster, "/metadata/uid");
  put(made, "/metadata/generateName", credential_prefix);
  put(made, "/metadata/ownerReferences", json::array{owner});
  return made;
}

// From openshift/openshift-controller-manager, pkg/serviceaccounts/controllers/
// create_dockercfg_secrets.go.
json::value dockercfg_secret(const json::value& token_secret) {
  const auto token = decoded_secret(text_at(token_secret, "/data/token"));
  const auto name = text_at(token_secret, "/metadata/name");
  json::value login{json::object{}};
  put(login, "/username", "serviceaccount");
  put(login, "/password", token);
  put(login, "/auth", base64_encode("serviceaccount:" + token));
  json::object registries;
  registries["image-registry.openshift-image-registry.svc:5000"] = std::move(login);
  auto made = bare("v1", "Secret");
  put(made, "/type", "kubernetes.io/dockercfg");
  for (const std::string key : {"service-account.name", "service-account.uid"}) {
    const auto place = "/metadata/annotations/kubernetes.io~1" + key;
    put(made, place, text_at(token_secret, place));
  }
  put(made, "/metadata/annotations/openshift.io~1token-secret.name", name);
  put(made, "/metadata/annotations/openshift.io~1token-secret.value", token);
  json::object owner;
  owner["apiVersion"] = "v1";
  owner["kind"] = "Secret";
  owner["name"] = name;
  owner["uid"] = text_at(token_secret, "/metadata/uid");
  put(made, "/metadata/ownerReferences", json::array{owner});
  put(made, "/data/.dockercfg", secret_data(json::serialize(registries)));
  return made;
}

json::value registration_token(const std::string& cluster_id, const std::string& value) {
  auto made = bare("management.cattle.io/v3", "ClusterRegistrationToken");
  put(made, "/spec/clusterName", cluster_id);
  put(made, "/status/token", value);
  return made;
}

json::value registration_by_secret(const std::string& cluster_id, const std::string& secret) {
  auto made = bare("management.cattle.io/v3", "ClusterRegistrationToken");
  put(made, "/spec/clusterName", cluster_id);
  put(made, "/status/tokenSecretName", secret);
  put(made, "/status/manifestUrl",
      "https://rancher.example.com/v3/import/{token}_" + cluster_id + ".yaml");
  put(made, "/status/insecureCommand",
      "curl --insecure -sfL https://rancher.example.com/v3/import/{token}_" + cluster_id +
          ".yaml | kubectl apply -f -");
  return made;
}

json::value setting(const std::string& value, const std::string& standard) {
  auto made = bare("management.cattle.io/v3", "Setting");
  put(made, "/value", value);
  put(made, "/default", standard);
  return made;
}

json::value agent_credentials(const std::string& registration, const std::string& cluster_id,
                              const std::string& url) {
  return opaque_secret({{"url", url}, {"token", registration}, {"namespace", cluster_id}});
}

std::vector<AgentWorkload> agent_workloads(const Settings& settings) {
  const auto& rancher = settings.rancher.number;
  const auto rke = settings.driver == "rancherKubernetesEngine";
  std::vector<AgentWorkload> workloads{{"Deployment", "cattle-cluster-agent",
                                        "cattle-cluster-agent", "ReplicaSet",
                                        "cattle-cluster-agent-7d8f9c6b5", settings.agent_replicas}};
  // From 2.5 on only in clusters that Rancher's own engine made, which is gone since 2.12.
  if (rancher < Version{2, 5, 0} || (rke && rancher < Version{2, 12, 0})) {
    workloads.push_back(
        {"DaemonSet", "cattle-agent", "cattle-node-agent", "DaemonSet", "cattle-node-agent"});
  }
  return workloads;
}

}  // namespace retrust::sandbox
