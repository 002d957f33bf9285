#include "world.h"

#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using std::chrono::seconds;
constexpr seconds day{86'400};

const std::string agents(agents_namespace);
const std::string made_long_ago = "2025-11-20T08:00:00Z";
const std::string started_long_ago = "2025-11-21T08:00:00Z";

bool ca_kept(Scenario scenario) {
  return scenario == Scenario::key_only || scenario == Scenario::healthy;
}

Key key_of(const Settings& settings, const Key& old_key) {
  const auto kept =
      settings.scenario == Scenario::ca_only || settings.scenario == Scenario::healthy;
  return kept ? old_key : Key();
}

void add_namespace(Store& store, const std::string& name) {
  auto made = bare("v1", "Namespace");
  put(made, "/status/phase", "Active");
  store.create({"namespaces", "", name}, std::move(made));
}

/// An account whose token is no business of Rancher's, but that pods mount; the name of its secret.
std::string add_account(Cluster& cluster, const std::string& name) {
  const TokenSecretSpec spec{.name = name + "-token-" + random_suffix(5),
                             .account = name,
                             .account_uid = random_uid(),
                             .created = made_long_ago};
  auto secret = token_secret(spec);
  put(secret, "/data", token_data(spec, cluster.account_key, cluster.handed_out_ca));
  cluster.store().create({"secrets", agents, spec.name}, std::move(secret));
  auto account = bare("v1", "ServiceAccount");
  put(account, "/metadata/uid", spec.account_uid);
  json::object reference;
  reference["name"] = spec.name;
  put(account, "/secrets", json::array{reference});
  cluster.store().create({"serviceaccounts", agents, name}, std::move(account));
  return spec.name;
}

void write_private(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  ::chmod(path.c_str(), 0600);
  file << text;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

World::World(boost::asio::io_context& io, Settings settings, fs::path directory)
    : io_(io),
      settings_(std::move(settings)),
      directory_(std::move(directory)),
      log_(directory_),
      scheduler_(io),
      old_authority_(valid(360 * day, 5 * day)),
      new_authority_(valid(ca_kept(settings_.scenario) ? 300 * day : seconds{60}, 3650 * day)),
      local_authority_(valid(300 * day, 3650 * day)),
      other_authority_(valid(300 * day, 3650 * day)) {
  downstream_ = std::make_unique<Cluster>(io_, "downstream", new_authority_,
                                          key_of(settings_, old_key_), kubernetes_resources(),
                                          settings_.kubernetes, log_, hooks_of("downstream"));
  other_ = std::make_unique<Cluster>(io_, "other", other_authority_, Key(), kubernetes_resources(),
                                     settings_.kubernetes, log_, hooks_of("other"));
  auto resources = kubernetes_resources();
  const auto more = rancher_resources();
  resources.insert(resources.end(), more.begin(), more.end());
  local_ = std::make_unique<Cluster>(io_, "local", local_authority_, Key(), std::move(resources),
                                     "1.20", log_, hooks_of("local"));

  const auto controllers = [this](Cluster& cluster) {
    return std::make_unique<Controllers>(cluster, scheduler_, settings_, log_);
  };
  downstream_controllers_ = controllers(*downstream_);
  local_controllers_ = controllers(*local_);
  other_controllers_ = controllers(*other_);
  rancher_ = std::make_unique<Rancher>(io_, local_->store(), scheduler_, settings_, log_);
  kubelets_.push_back(std::make_unique<Kubelet>(
      local_->store(), scheduler_, settings_, log_,
      Kubelet::Hooks{
          .pod_ready = [this](const ObjectKey& key) { rancher_->server_ready(key.name); },
          .pod_terminating = {},
          .pod_gone = [this](const ObjectKey& key) { rancher_->server_gone(key.name); }}));
  kubelets_.push_back(
      std::make_unique<Kubelet>(other_->store(), scheduler_, settings_, log_, Kubelet::Hooks{}));

  if (settings_.faults.has("old-ca-handed-out")) {
    downstream_->handed_out_ca = old_authority_.pem();
  }
  const auto registration = random_suffix(54);
  fill_downstream(*downstream_, registration);
  fill_downstream(*other_, random_suffix(54));
  old_report_.ca_base64 =
      secret_data(ca_kept(settings_.scenario) ? new_authority_.pem() : old_authority_.pem());
  fill_local(old_report_.ca_base64, old_report_.token, registration);

  // Only now: the agents that are there had read their credentials before the renewal.
  agents_ = std::make_unique<Agents>(downstream_->store(), *rancher_, scheduler_, settings_, log_);
  agents_->settled(old_report_);
  kubelets_.push_back(std::make_unique<Kubelet>(
      downstream_->store(), scheduler_, settings_, log_,
      Kubelet::Hooks{.pod_ready = [this](const ObjectKey& key) { agents_->ready(key); },
                     .pod_terminating = [this](const ObjectKey& key) { agents_->terminating(key); },
                     .pod_gone = [this](const ObjectKey& key) { agents_->gone(key); }}));
}

Cluster::Hooks World::hooks_of(const std::string& name) {
  return {.before_change = [this, name](const About& about) { before_change(name, about); },
          .answered = [this, name](const About& about, unsigned) { answered(name, about); },
          .watch_limit = [this]() -> std::optional<std::chrono::milliseconds> {
            if (!settings_.faults.has("close-watches")) return std::nullopt;
            return settings_.faults.milliseconds("close-watches", 150);
          }};
}

void World::fill_downstream(Cluster& cluster, const std::string& credentials_token) {
  auto& store = cluster.store();
  auto& controllers =
      cluster.name() == "downstream" ? *downstream_controllers_ : *other_controllers_;
  for (const auto* name : {"default", "kube-system", "cattle-system"}) add_namespace(store, name);
  store.create({"nodes", "", "node-1"}, bare("v1", "Node"));
  store.create({"componentstatuses", "", "etcd-0"}, bare("v1", "ComponentStatus"));
  if (settings_.kubernetes >= "1.20") {
    auto map = bare("v1", "ConfigMap");
    put(map, "/data/ca.crt", cluster.handed_out_ca);
    store.create({"configmaps", agents, "kube-root-ca.crt"}, std::move(map));
  }
  store.create({"secrets", agents, "my-cattle-token-notes"},
               opaque_secret({{"notes", "who to call at night"}}));
  if (!settings_.faults.has("broken-credentials")) {
    store.create({"secrets", agents, std::string(credentials_secret)},
                 agent_credentials(credentials_token));
  }

  const auto account =
      store.create({"serviceaccounts", agents, "cattle"}, bare("v1", "ServiceAccount"));
  add_account(cluster, "default");
  const auto uid = text_at(account, "/metadata/uid");
  const auto& signer = settings_.scenario == Scenario::ca_only ||
                               settings_.scenario == Scenario::healthy || cluster.name() == "other"
                           ? cluster.account_key
                           : old_key_;
  std::vector<std::string> names{"cattle-token-" + random_suffix(5)};
  if (settings_.faults.has("two-tokens")) names.emplace_back("cattle-token-old22");
  json::array references;
  for (const auto& name : names) {
    const TokenSecretSpec spec{
        .name = name, .account = "cattle", .account_uid = uid, .created = made_long_ago};
    auto secret = token_secret(spec);
    put(secret, "/data", token_data(spec, signer, cluster.handed_out_ca));
    if (cluster.name() == "downstream" && old_report_.token.empty()) {
      old_report_.token = decoded_secret(text_at(secret, "/data/token"));
    }
    if (settings_.faults.has("no-token") && cluster.name() == "downstream") continue;
    json::object reference;
    reference["name"] = name;
    references.emplace_back(std::move(reference));
    store.create({"secrets", agents, name}, std::move(secret));
  }
  auto with_secrets = account;
  put(with_secrets, "/secrets", std::move(references));
  store.update({"serviceaccounts", agents, "cattle"}, std::move(with_secrets));

  const std::string image = "rancher/rancher-agent:" + rancher_version(settings_.rancher);
  const std::vector<std::string> mounts{std::string(credentials_secret)};
  for (const auto& agent : agent_workloads()) {
    const auto made = store.create(
        {agent.kind == "Deployment" ? "deployments.apps" : "daemonsets.apps", agents, agent.name},
        workload({agent.kind, agent.app, "cattle", image, mounts}));
    controllers.start_pod({.account = "cattle",
                           .app = agent.app,
                           .image = image,
                           .owner_kind = agent.owner_kind,
                           .owner = agent.owner,
                           .owner_uid = text_at(made, "/metadata/uid"),
                           .secrets = {mounts.front(), names.front()},
                           .started = started_long_ago},
                          PodState::running);
  }
  store.create({"pods", agents, "helm-operation-7xk2p"},
               pod({.account = "helm-operation",
                    .app = "helm-operation",
                    .image = "rancher/shell:v0.1.5",
                    .secrets = {add_account(cluster, "helm-operation")},
                    .started = started_long_ago},
                   PodState::running));
}

void World::add_cluster_resource(const std::string& id, const std::string& display_name,
                                 const std::string& ca, const std::string& token) {
  ClusterSpec spec{.display_name = display_name,
                   .ca_base64 = ca,
                   .token = token,
                   .kubernetes = fmt::format("v{}.15", settings_.kubernetes)};
  if (id == cluster_id && settings_.faults.has("driver")) {
    spec.driver = settings_.faults.value("driver");
  }
  local_->store().create({"clusters.management.cattle.io", "", id}, cluster_resource(spec));
}

void World::fill_local(const std::string& stored_ca, const std::string& stored_token,
                       const std::string& credentials_token) {
  auto& store = local_->store();
  for (const auto* name : {"default", "kube-system", "cattle-system", "c-x7k2p"}) {
    add_namespace(store, name);
  }
  add_cluster_resource(std::string(cluster_id), "production", stored_ca, stored_token);
  const auto other_ca = secret_data(other_authority_.pem());
  add_cluster_resource("c-m4q9d", "staging", other_ca, "");
  add_cluster_resource("local", "local", secret_data(local_authority_.pem()), "");
  if (settings_.faults.has("twin-name"))
    add_cluster_resource("c-twin2", "production", other_ca, "");

  store.create(
      {"clusterregistrationtokens.management.cattle.io", std::string(cluster_id), "system"},
      registration_token(std::string(cluster_id), credentials_token));
  const auto add_setting = [&](const std::string& name, json::value made) {
    store.create({"settings.management.cattle.io", "", name}, std::move(made));
  };
  add_setting("server-version", setting("", rancher_version(settings_.rancher)));
  add_setting("server-url", setting("https://rancher.example.com", ""));

  auto definition = bare("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  json::object version;
  version["name"] = "v3";
  version["served"] = true;
  version["storage"] = true;
  put(definition, "/spec/group", "management.cattle.io");
  put(definition, "/spec/versions", json::array{version});
  store.create(
      {"customresourcedefinitions.apiextensions.k8s.io", "", "clusters.management.cattle.io"},
      std::move(definition));

  const std::string app = settings_.faults.has("cattle-deployment") ? "cattle" : "rancher";
  const auto image = "rancher/rancher:" + rancher_version(settings_.rancher);
  store.create({"deployments.apps", agents, app}, workload({"Deployment", app, app, image}));
  local_controllers_->start_pod({.account = app,
                                 .app = app,
                                 .image = image,
                                 .owner_kind = "ReplicaSet",
                                 .owner = app + "-5c9d8f7b6",
                                 .secrets = {add_account(*local_, app)},
                                 .started = started_long_ago},
                                PodState::running);
}

void World::start(std::function<void()> ready) {
  downstream_->server().start();
  local_->server().start();
  other_->server().start();
  write_kubeconfigs();
  rancher_->start(downstream_->server().port());
  ready();
}

void World::end() {
  scheduler_.end();
  for (const auto* cluster : {&downstream_, &local_, &other_}) (*cluster)->server().stop();
}

void World::write_kubeconfigs() {
  const auto write = [&](const std::string& name, const std::string& text) {
    write_private(directory_ / (name + ".kubeconfig"), text);
  };
  const auto& new_ca = new_authority_.pem();
  const auto& local_ca = local_authority_.pem();
  write("downstream", downstream_->kubeconfig("admin", new_ca));
  write("downstream-before-renewal", downstream_->kubeconfig("admin", old_authority_.pem()));
  write("downstream-limited", downstream_->kubeconfig("viewer", new_ca));
  write("downstream-insecure", downstream_->kubeconfig("admin", ""));
  write("downstream-through-rancher",
        local_->kubeconfig("admin", local_ca, fmt::format("/k8s/clusters/{}", cluster_id)));
  write("local", local_->kubeconfig("admin", local_ca));
  write("local-limited", local_->kubeconfig("viewer", local_ca));
  write("local-through-rancher", local_->kubeconfig("admin", local_ca, "/k8s/clusters/local"));
  write("other", other_->kubeconfig("admin", other_authority_.pem()));
  // For whoever stands in front of a server and must look like it.
  fs::create_directories(directory_ / "pki");
  for (const auto* cluster : {downstream_.get(), local_.get()}) {
    const auto& identity = cluster->identity();
    write_private(directory_ / "pki" / (cluster->name() + ".crt"), identity.certificate_pem);
    write_private(directory_ / "pki" / (cluster->name() + ".key"), identity.key_pem);
  }
}

}  // namespace retrust::sandbox
