#include "observe/parse.h"

#include <algorithm>
#include <iomanip>
#include <set>
#include <sstream>
#include <tuple>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/json.h"
#include "credentials/secret.h"
#include "observe/user_tokens.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Name of an object; empty if there is none.
ObjectName name_of(const json::value& object) {
  return text_at(object, "/metadata/name");
}

[[noreturn]] void refuse_incomplete(std::string_view what, Side side) {
  throw Failure(
      FailureCode::bad_answer, fmt::format("the {} sent {}", name_of(side), what),
      fmt::format("an API server sends none such. Find out what answers at the address in "
                  "{}",
                  side == Side::local ? "--local-kubeconfig" : "--kubeconfig"));
}

/// Name of an object that retrust addresses by name. Throws Failure (refused) if there is none.
ObjectName required_name(const json::value& object, Side side) {
  auto name = name_of(object);
  if (name.empty()) {
    const DisplayText kind(text_at(object, "/kind"));
    refuse_incomplete(fmt::format("a {} without a name", kind.empty() ? "resource" : kind), side);
  }
  return name;
}

/// Secrets that a pod template or pod mounts as volumes. Kubernetes takes any text for a name there
/// (kubernetes/kubernetes, pkg/apis/core/validation/validation.go, validateSecretVolumeSource). No
/// secret can have a name that is not allowed.
std::vector<ObjectName> mounted(const json::value& object, const std::string& spec) {
  std::vector<ObjectName> names;
  for (const auto& volume : array_at(object, spec + "/volumes")) {
    auto name = ObjectName::if_allowed(text_at(volume, "/secret/secretName"));
    const auto* optional = find_at(volume, "/secret/optional");
    const auto needed = optional == nullptr || !optional->is_bool() || !optional->get_bool();
    if (needed && !name.empty()) names.push_back(std::move(name));
  }
  return names;
}

bool has_condition(const json::value& object, std::string_view type) {
  const auto& conditions = array_at(object, "/status/conditions");
  return std::any_of(conditions.begin(), conditions.end(), [&](const json::value& condition) {
    return text_at(condition, "/type") == type && text_at(condition, "/status") == "True";
  });
}

/// Secrets that workloads running as `cattle` mount and that do not exist: their new pods could not
/// start (rancher/rancher 50154).
std::vector<ObjectName> missing_secrets(const json::value& list,
                                        const std::set<ObjectName>& there) {
  std::set<ObjectName> missing;
  for (const std::string_view kind : {"Deployment", "DaemonSet"}) {
    for (const auto* workload : items_of(list, kind)) {
      if (text_at(*workload, "/spec/template/spec/serviceAccountName") != agent_account) continue;
      for (auto& name : mounted(*workload, "/spec/template/spec")) {
        if (!there.contains(name)) missing.insert(std::move(name));
      }
    }
  }
  return {missing.begin(), missing.end()};
}

/// The value of a setting of Rancher's, or its default.
DisplayText setting_of(const json::value& list, std::string_view name) {
  for (const auto* setting : items_of(list, "Setting")) {
    if (name_of(*setting) != name) continue;
    DisplayText value = text_at(*setting, "/value");
    return value.empty() ? DisplayText(text_at(*setting, "/default")) : value;
  }
  return {};
}

}  // namespace

std::chrono::sys_seconds parse_time(const std::string& text) {
  std::tm parts{};
  std::istringstream stream(text);
  stream >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
  if (stream.fail()) return {};
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
}

std::string decoded(const json::value& object, std::string_view pointer) {
  return base64_decode(text_at(object, pointer)).value_or("");
}

std::vector<const json::value*> items_of(const json::value& list, std::string_view kind) {
  std::vector<const json::value*> found;
  for (const auto& item : array_at(list, "/items")) {
    if (text_at(item, "/kind") == kind) found.push_back(&item);
  }
  return found;
}

std::optional<TokenSecret> parse_token_secret(const json::value& secret, std::string_view account,
                                              Redactor& redactor) {
  if (text_at(secret, "/type") != "kubernetes.io/service-account-token") return std::nullopt;
  if (text_at(secret, "/metadata/annotations/kubernetes.io~1service-account.name") != account) {
    return std::nullopt;
  }
  TokenSecret parsed;
  const auto token = decoded(secret, "/data/token");
  parsed.credentials.token = Secret(redactor, Secret::Kind::account, token);
  parsed.foreign_token = parsed.credentials.token.empty() && !token.empty();
  parsed.name = required_name(secret, Side::downstream);
  parsed.uid = text_at(secret, "/metadata/uid");
  parsed.created = parse_time(text_at(secret, "/metadata/creationTimestamp"));
  // kubernetes/kubernetes v1.30.0, pkg/serviceaccount/legacy.go: Validate.
  parsed.invalid_since =
      text_at(secret, "/metadata/labels/kubernetes.io~1legacy-token-invalid-since");
  // Kubernetes's own limit of a Secret: a larger value is no CA, and is dropped.
  constexpr std::size_t most = std::size_t{1} << 20U;
  auto ca = decoded(secret, "/data/ca.crt");
  if (ca.size() <= most) parsed.credentials.ca_pem = std::move(ca);
  return parsed;
}

std::vector<TokenSecret> parse_tokens(const json::value& list, const NamespaceName& name_space,
                                      const ObjectName& account, Redactor& redactor) {
  std::string referred;
  std::vector<std::string> order;
  for (const auto* present : items_of(list, "ServiceAccount")) {
    if (name_of(*present) != account) continue;
    referred = text_at(*present, "/metadata/annotations/rancher.io~1service-account.secret-ref");
    // The annotation has the form namespace/name.
    referred = referred.substr(referred.find('/') + 1);
    for (const auto& secret : array_at(*present, "/secrets")) {
      order.push_back(text_at(secret, "/name"));
    }
  }
  using Rank = std::tuple<bool, bool, std::size_t, std::chrono::seconds>;
  std::vector<std::pair<Rank, TokenSecret>> ranked;
  std::size_t ca_bytes = 0;
  for (const auto* secret : items_of(list, "Secret")) {
    if (text_at(*secret, "/metadata/namespace") != name_space) continue;
    auto parsed = parse_token_secret(*secret, account.text(), redactor);
    if (!parsed) continue;
    if (ranked.size() >= most_token_secrets) {
      throw Failure(FailureCode::bad_answer,
                    fmt::format("the downstream cluster sent more than {} token secrets of {}",
                                most_token_secrets, account),
                    "no cluster has so many. Find out what answers at the cluster's address");
    }
    // CAs beyond this sum are dropped: their secrets then count as incomplete.
    constexpr std::size_t most_ca_bytes = std::size_t{4} << 20U;
    ca_bytes += parsed->credentials.ca_pem.size();
    if (ca_bytes > most_ca_bytes) std::string().swap(parsed->credentials.ca_pem);
    const auto labelled =
        text_at(*secret, "/metadata/labels/cattle.io~1service-account.name") == account.text();
    const auto place = std::find(order.begin(), order.end(), parsed->name) - order.begin();
    ranked.emplace_back(Rank{parsed->name != referred, !labelled, static_cast<std::size_t>(place),
                             -parsed->created.time_since_epoch()},
                        std::move(*parsed));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<TokenSecret> tokens;
  for (auto& [rank, secret] : ranked) tokens.push_back(std::move(secret));
  return tokens;
}

namespace {

/// The kubelet's own reasons have some 30 letters.
constexpr std::size_t most_reason_bytes = 64;
constexpr std::size_t most_detail_bytes = 200;

/// How a container ended, e.g. "exit status 1 (Error)"; empty if it did not.
std::string end_of(const json::value& container, const std::string& state) {
  const auto* code = find_at(container, state + "/terminated/exitCode");
  if (code == nullptr || !code->is_int64()) return {};
  const DisplayText reason(text_at(container, state + "/terminated/reason"), most_reason_bytes);
  return fmt::format("exit status {}{}", code->get_int64(),
                     reason.empty() ? "" : fmt::format(" ({})", reason));
}

/// Takes the state of one container of a pod.
void take_container(Pod& parsed, const json::value& container) {
  const auto waiting = text_at(container, "/state/waiting/reason");
  if (!waiting.empty()) {
    parsed.waiting = DisplayText(waiting, most_reason_bytes);
    parsed.detail = DisplayText(text_at(container, "/state/waiting/message"), most_detail_bytes);
  }
  const auto* restarts = find_at(container, "/restartCount");
  if (restarts != nullptr && restarts->is_int64()) {
    parsed.restarts = std::max(parsed.restarts, restarts->get_int64());
  }
  if (const auto last = end_of(container, "/lastState"); !last.empty()) parsed.last_end = last;
}

/// Takes why no node was found for a pod.
void take_scheduling(Pod& parsed, const json::value& pod) {
  for (const auto& condition : array_at(pod, "/status/conditions")) {
    if (text_at(condition, "/type") != "PodScheduled") continue;
    if (text_at(condition, "/status") != "False") continue;
    if (text_at(condition, "/reason") != "Unschedulable") continue;
    parsed.unschedulable = true;
    parsed.detail = DisplayText(text_at(condition, "/message"), most_detail_bytes);
  }
}

std::string ca_checksum(const json::value& pod) {
  for (const auto& container : array_at(pod, "/spec/containers")) {
    for (const auto& variable : array_at(container, "/env")) {
      if (text_at(variable, "/name") == "CATTLE_CA_CHECKSUM") return text_at(variable, "/value");
    }
  }
  return {};
}

}  // namespace

Pod parse_pod(const json::value& pod, Side side) {
  Pod parsed;
  parsed.name = required_name(pod, side);
  parsed.uid = text_at(pod, "/metadata/uid");
  parsed.service_account = text_at(pod, "/spec/serviceAccountName");
  parsed.phase = text_at(pod, "/status/phase");
  parsed.ready = has_condition(pod, "Ready");
  parsed.terminating = !text_at(pod, "/metadata/deletionTimestamp").empty();
  parsed.started = parse_time(text_at(pod, "/metadata/creationTimestamp"));
  // An init container's restarts and last end matter only while it does not let the pod start.
  for (const auto& container : array_at(pod, "/status/initContainerStatuses")) {
    if (!text_at(container, "/state/waiting/reason").empty()) take_container(parsed, container);
  }
  for (const auto& container : array_at(pod, "/status/containerStatuses")) {
    // The others wait for it, as PodInitializing.
    if (text_at(container, "/state/waiting/reason") == "PodInitializing") continue;
    take_container(parsed, container);
    const auto running = text_at(container, "/state/running/startedAt");
    if (!running.empty()) parsed.started = std::max(parsed.started, parse_time(running));
  }
  take_scheduling(parsed, pod);
  parsed.ca_checksum = DisplayText(ca_checksum(pod), most_reason_bytes);
  for (const auto& owner : array_at(pod, "/metadata/ownerReferences")) {
    parsed.owner_kind = text_at(owner, "/kind");
    parsed.owner = text_at(owner, "/name");
  }
  parsed.mounted_secrets = mounted(pod, "/spec");
  return parsed;
}

Uid kube_system_uid(const json::value& list) {
  for (const auto* name_space : items_of(list, "Namespace")) {
    if (name_of(*name_space) == "kube-system") return text_at(*name_space, "/metadata/uid");
  }
  return {};
}

Downstream parse_downstream(const json::value& list, const NamespaceName& name_space,
                            Redactor& redactor) {
  Downstream parsed;
  parsed.tokens = parse_tokens(list, name_space, parsed.account, redactor);
  parsed.own_namespaces = own_namespaces(list, name_space);
  for (const auto* secret : items_of(list, "Secret")) {
    auto token = parse_user_token(*secret, redactor);
    if (token && owner_of(*token, name_space)) parsed.other_tokens.push_back(std::move(*token));
    parsed.secret_names.insert(name_of(*secret));
  }
  parsed.agent_credentials = agent_credentials(list, redactor);
  parsed.kube_system_uid = kube_system_uid(list);
  for (const auto* account : items_of(list, "ServiceAccount")) {
    const auto name = name_of(*account);
    if (!name.empty()) parsed.accounts[name] = text_at(*account, "/metadata/uid");
    if (name == agent_account) {
      parsed.service_account_uid = text_at(*account, "/metadata/uid");
      parsed.account_secret = ObjectName::if_allowed(text_at(*account, "/secrets/0/name"));
      for (const auto& reference : array_at(*account, "/secrets")) {
        const auto listed = text_at(reference, "/name");
        parsed.account_lists_others |=
            std::none_of(parsed.tokens.begin(), parsed.tokens.end(),
                         [&](const TokenSecret& secret) { return secret.name == listed; });
      }
    }
  }
  for (const auto* pod : items_of(list, "Pod"))
    parsed.pods.push_back(parse_pod(*pod, Side::downstream));
  for (const auto* map : items_of(list, "ConfigMap")) {
    if (name_of(*map) == "kube-root-ca.crt") parsed.root_ca = text_at(*map, "/data/ca.crt");
  }
  for (const auto* deployment : items_of(list, "Deployment")) {
    if (text_at(*deployment, "/spec/template/spec/serviceAccountName") != agent_account) continue;
    parsed.agent_image = text_at(*deployment, "/spec/template/spec/containers/0/image");
  }
  parsed.missing_secrets = missing_secrets(list, parsed.secret_names);
  return parsed;
}

ClusterResource parse_cluster(const json::value& cluster, Redactor& redactor) {
  ClusterResource parsed;
  parsed.stored.token =
      Secret(redactor, Secret::Kind::account, text_at(cluster, "/status/serviceAccountToken"));
  parsed.id = required_name(cluster, Side::local).text();
  parsed.display_name = text_at(cluster, "/spec/displayName");
  parsed.driver = text_at(cluster, "/status/driver");
  parsed.uid = text_at(cluster, "/metadata/uid");
  parsed.resource_version = text_at(cluster, "/metadata/resourceVersion");
  parsed.kubernetes_version = text_at(cluster, "/status/version/gitVersion");
  if (const auto deletion = text_at(cluster, "/metadata/deletionTimestamp"); !deletion.empty()) {
    parsed.deletion = parse_time(deletion);
  }
  parsed.stored.ca_pem = decoded(cluster, "/status/caCert");
  parsed.token_secret_name = text_at(cluster, "/status/serviceAccountTokenSecret");
  for (const auto& condition : array_at(cluster, "/status/conditions")) {
    const auto type = text_at(condition, "/type");
    auto* known = type == "Ready"           ? &parsed.ready
                  : type == "Connected"     ? &parsed.connected
                  : type == "AgentDeployed" ? &parsed.agent_deployed
                                            : nullptr;
    if (known == nullptr) continue;
    *known = {text_at(condition, "/status"), text_at(condition, "/reason"),
              text_at(condition, "/message")};
  }
  parsed.endpoint = authorized_endpoint(cluster);
  if (cluster.is_object()) parsed.raw = cluster.get_object();
  return parsed;
}

std::string credential_in(const json::value& secret) {
  return base64_decode(text_at(secret, "/data/credential")).value_or("");
}

void take_token_secret(ClusterResource& cluster, std::optional<json::object> secret,
                       Redactor& redactor) {
  cluster.stored.token.clear();
  if (secret) {
    const auto token = credential_in(*secret);
    cluster.stored.token = Secret(redactor, Secret::Kind::account, token);
  }
  cluster.token_secret = std::move(secret);
}

DisplayText server_url(const json::value& list) {
  return setting_of(list, "server-url");
}

RancherServer parse_rancher(const json::value& list) {
  RancherServer parsed;
  parsed.version_text = setting_of(list, "server-version");
  parsed.version = parse_version(parsed.version_text);
  // helm calls the Deployment `rancher`, an rke add-on (2.0, 2.1) `cattle`.
  for (const std::string_view name : {"rancher", "cattle"}) {
    for (const auto* deployment : items_of(list, "Deployment")) {
      if (name_of(*deployment) != name || !parsed.deployment.empty()) continue;
      parsed.deployment = std::string(name);
      parsed.name_space = text_at(*deployment, "/metadata/namespace");
      if (parsed.name_space.empty()) {
        refuse_incomplete(fmt::format("the Deployment {} without its namespace", name),
                          Side::local);
      }
    }
  }
  for (const auto* pod : items_of(list, "Pod")) {
    if (!parsed.deployment.empty() && text_at(*pod, "/metadata/labels/app") == parsed.deployment) {
      parsed.pods.push_back(parse_pod(*pod, Side::local));
    }
  }
  return parsed;
}

}  // namespace retrust
