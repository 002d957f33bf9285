// What a downstream cluster holds when the sandbox starts.
#include "downstream_fill.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "accounts.h"
#include "impersonation.h"
#include "json_util.h"
#include "objects.h"
#include "others.h"

namespace retrust::sandbox {
namespace {

const std::string agents(agents_namespace);
const std::string fleet = "cattle-fleet-system";
const std::string impersonation(impersonation_namespace);
void add_namespace(Cluster& cluster, const std::string& name) {
  auto made = bare("v1", "Namespace");
  put(made, "/status/phase", "Active");
  cluster.store().create({"namespaces", "", name}, std::move(made));
  add_root_ca_map(cluster, name);
}

/// Secrets, and a token's where there is one.
std::vector<std::string> mounts(std::vector<std::string> secrets, const std::string& token) {
  if (!token.empty()) secrets.push_back(token);
  return secrets;
}

void add_agents(Cluster& cluster, Controllers& controllers, const Settings& settings,
                const std::string& mountable) {
  const std::string image = "rancher/rancher-agent:" + settings.rancher.version;
  const std::vector<std::string> secrets{std::string(credentials_secret)};
  for (const auto& agent : agent_workloads(settings)) {
    const std::string plural = agent.kind == "Deployment" ? "deployments.apps" : "daemonsets.apps";
    const auto made = cluster.store().create(
        {plural, agents, agent.name},
        workload({agent.kind, agent.app, "cattle", image, secrets, agent.replicas}));
    for (int i = 0; i < agent.replicas; ++i) {
      controllers.start_pod({.account = "cattle",
                             .app = agent.app,
                             .image = image,
                             .owner_kind = agent.owner_kind,
                             .owner = agent.owner,
                             .owner_uid = text_at(made, "/metadata/uid"),
                             .secrets = mounts(secrets, mountable),
                             .started = pods_started(),
                             .token = cluster.kubernetes().pod_token},
                            PodState::running);
    }
  }
}

void add_impersonators(Cluster& cluster, const Settings& settings, const Filling& filling) {
  for (int i = 0; i < settings.impersonation_users; ++i) {
    const auto fresh = i < settings.fresh_impersonation_users;
    auto name = i == 0 ? system_account(filling.id) : impersonation_account();
    // Among thousands some would be called the same.
    while (cluster.store().find({"serviceaccounts", impersonation, name}) != nullptr) {
      name = impersonation_account();
    }
    add_account(cluster, {.name_space = impersonation,
                          .name = name,
                          .signer = fresh ? cluster.account_key : filling.signer,
                          .how = settings.rancher.account_secret,
                          .label = std::string(impersonator_label)});
  }
}

}  // namespace

std::string fill(Cluster& cluster, Controllers& controllers, const Settings& settings,
                 const Filling& filling) {
  auto& store = cluster.store();
  const auto& signer = filling.signer;
  const auto ours = !filling.id.empty();
  for (const auto* name : {"default", "kube-system", "cattle-system"}) {
    add_namespace(cluster, name);
  }
  store.create({"nodes", "", "node-1"}, node(settings.faults.value("node")));
  if (const auto others = settings.faults.value("others-start"); !others.empty()) {
    const auto age = others == "unauthorized" ? std::chrono::minutes{2} : std::chrono::minutes{60};
    store.create(
        {"events", "default", "web-0.17d1"},
        no_network_event("default", "web-0", time_text(std::chrono::system_clock::now() - age)));
  }
  store.create({"componentstatuses", "", "etcd-0"}, bare("v1", "ComponentStatus"));
  store.create({"secrets", agents, "my-cattle-token-notes"},
               opaque_secret({{"notes", "who to call at night"}}));
  if (!settings.faults.has("broken-credentials")) {
    store.create({"secrets", agents, std::string(credentials_secret)}, filling.agent);
  }
  // Others' tokens, which are as old as those of the agents.
  add_account(cluster, {.name_space = agents, .name = "default", .signer = signer});
  add_account(cluster, {.name_space = "default",
                        .name = "ci-deployer",
                        .signer = signer,
                        .how = AccountSecret::fixed_name});

  AccountSpec spec{.name_space = agents,
                   .name = "cattle",
                   .signer = signer,
                   .how = settings.rancher.account_secret};
  if (settings.faults.has("two-tokens")) spec.more_tokens = {"cattle-token-old22"};
  if (settings.faults.has("no-token") && ours) {
    spec.secrets = AccountSpec::Secrets::gone;
  }
  const auto cattle = add_account(cluster, spec);
  const auto mounted = cluster.kubernetes().pod_token == PodToken::secret;
  add_agents(cluster, controllers, settings, mounted ? cattle.mountable : std::string());
  const auto helm =
      add_account(cluster, {.name_space = agents, .name = "helm-operation", .signer = signer});
  auto operation = pod({.account = "helm-operation",
                        .app = "helm-operation",
                        .image = "rancher/shell:v0.1.5",
                        .secrets = mounts({}, mounted ? helm.mountable : std::string()),
                        .started = pods_started(),
                        .token = cluster.kubernetes().pod_token},
                       PodState::running);
  // rancher/rancher v2.12.3, pkg/catalogv2/helmop/operation.go: createPod.
  put(operation, "/spec/restartPolicy", "Never");
  store.create({"pods", agents, "helm-operation-7xk2p"}, std::move(operation));
  if (settings.rancher.impersonation == Impersonation::user_accounts) {
    add_namespace(cluster, fleet);
    // Its token was made when Kubernetes still made one for every account.
    add_account(cluster, {.name_space = fleet,
                          .name = "fleet-agent",
                          .signer = signer,
                          .how = AccountSecret::referenced});
    add_namespace(cluster, impersonation);
    if (ours) add_impersonators(cluster, settings, filling);
  }
  const auto metrics_away = settings.faults.has("metrics-away");
  add_api_services(cluster, metrics_away ? Metrics::away : Metrics::answer);
  if (settings.workloads && ours) {
    add_others(cluster, signer, *settings.workloads);
  }
  if (settings.rancher.account_secret != AccountSecret::mounted || mounted)
    return decoded_secret(cattle.token_base64);
  // Such agents report the token that the kubelet gave to their pod.
  for (const auto* pod : store.list("pods", agents)) {
    if (text_at(*pod, "/metadata/labels/app") == "cattle-cluster-agent") {
      return cluster.bound_token({"pods", agents, text_at(*pod, "/metadata/name")});
    }
  }
  return decoded_secret(cattle.token_base64);
}

std::string add_ranchers_own(Cluster& cluster, const Settings& settings, const Key& signer) {
  const auto account = add_account(cluster, {.name_space = agents,
                                             .name = "kontainer-engine",
                                             .signer = signer,
                                             .how = settings.rancher.account_secret});
  return decoded_secret(account.token_base64);
}

}  // namespace retrust::sandbox
