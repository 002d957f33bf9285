#include "live.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "cluster.h"
#include "json_util.h"
#include "objects.h"
#include "resources.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

const std::string agents_space(agents_namespace);
const std::string core = "/api/v1/namespaces/cattle-system/";
const std::string apps = "/apis/apps/v1/namespaces/cattle-system/";
const std::string rancher_api = "/apis/management.cattle.io/v3/";
const std::string clusters = rancher_api + "clusters";

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

asio::awaitable<void> pause() {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds{30});
  co_await timer.async_wait(asio::use_awaitable);
}

/// Makes an object, under that name.
asio::awaitable<void> create(const ApiClient& client, std::string collection, std::string name,
                             json::value object) {
  put(object, "/metadata/name", name);
  ApiClient::Request request{.method = "POST", .target = collection, .body = std::move(object)};
  const auto answer = co_await client.ask(std::move(request));
  if (answer.code != 201) {
    throw std::runtime_error(fmt::format("cannot make {}/{}: {} {}", collection, name, answer.code,
                                         text_at(answer.body, "/message")));
  }
}

/// What is at a path, as soon as it fulfils the condition.
asio::awaitable<json::value> when(const ApiClient& client, std::string path,
                                  std::function<bool(const json::value&)> condition) {
  for (;;) {
    ApiClient::Request request{.method = "GET", .target = path};
    auto answer = co_await client.ask(std::move(request));
    if (answer.code == 200 && condition(answer.body)) co_return std::move(answer.body);
    co_await pause();
  }
}

/// The controller manager gives every service account a token, without which it can have no pod.
asio::awaitable<void> create_account(const ApiClient& client, std::string name) {
  co_await create(client, core + "serviceaccounts", name, bare("v1", "ServiceAccount"));
  co_await when(client, core + "serviceaccounts/" + name, [](const json::value& account) {
    return !text_at(account, "/secrets/0/name").empty();
  });
}

/// A node that takes every pod. Nobody looks after it: without its taint it counts as ready.
asio::awaitable<void> create_node(const ApiClient& client) {
  co_await create(client, "/api/v1/nodes", "node-1", bare("v1", "Node"));
  json::value untainted{json::object{}};
  put(untainted, "/spec/taints", json::value());
  ApiClient::Request request{.method = "PATCH",
                             .target = "/api/v1/nodes/node-1",
                             .body = std::move(untainted),
                             .type = "application/merge-patch+json"};
  co_await client.ask(std::move(request));
}

asio::awaitable<void> create_namespace(const ApiClient& client, std::string name) {
  co_await create(client, "/api/v1/namespaces", name, bare("v1", "Namespace"));
  co_await when(client, fmt::format("/api/v1/namespaces/{}/serviceaccounts/default", name),
                [](const json::value&) { return true; });
}

/// As Rancher up to 2.14 defines its resources: any field, and no status subresource.
json::value definition(const Resource& resource) {
  auto made = bare("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  put(made, "/spec/group", resource.group);
  put(made, "/spec/scope", resource.scope == Scope::cluster ? "Cluster" : "Namespaced");
  put(made, "/spec/names/plural", resource.plural);
  put(made, "/spec/names/singular", resource.singular);
  put(made, "/spec/names/kind", resource.kind);
  json::value version{json::object{}};
  put(version, "/name", resource.version);
  put(version, "/served", true);
  put(version, "/storage", true);
  put(version, "/schema/openAPIV3Schema/type", "object");
  put(version, "/schema/openAPIV3Schema/x-kubernetes-preserve-unknown-fields", true);
  put(made, "/spec/versions", json::array{version});
  return made;
}

/// A kubeconfig whose address goes through Rancher's own server.
void write_through_rancher(const fs::path& direct, const fs::path& to, const std::string& id) {
  auto config = json::parse(text_of(direct));
  const auto server = text_at(config, "/clusters/0/cluster/server");
  config.at_pointer("/clusters/0/cluster/server") = server + "/k8s/clusters/" + id;
  std::ofstream file(to);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
  file << json::serialize(config) << '\n';
}

bool runs(const json::value& pod) {
  return text_at(pod, "/status/phase") == "Running";
}

std::string app_of(const json::value& pod) {
  return text_at(pod, "/metadata/labels/app");
}

}  // namespace

Live::Live(asio::io_context& io, Settings settings, fs::path directory, fs::path plane)
    : io_(io),
      settings_(std::move(settings)),
      directory_(std::move(directory)),
      plane_(std::move(plane)),
      log_(directory_),
      scheduler_(io),
      downstream_(io, plane_ / "downstream-stand-in.kubeconfig",
                  {{"secrets", agents_space, core + "secrets"},
                   {"pods", agents_space, core + "pods", Mirror::Kind::Changes::status}},
                  log_),
      local_(io, plane_ / "local-stand-in.kubeconfig",
             {{"clusters.management.cattle.io", "", clusters},
              {"secrets", agents_space, core + "secrets"},
              {"pods", agents_space, core + "pods", Mirror::Kind::Changes::status}},
             log_),
      rancher_(io, local_, scheduler_, settings_, log_),
      agents_(downstream_, rancher_, scheduler_, settings_, log_),
      downstream_kubelet_(
          downstream_, scheduler_, settings_, log_,
          {.pod_ready = [this](const ObjectKey& pod) { agents_.ready(pod); },
           .pod_terminating = [this](const ObjectKey& pod) { agents_.terminating(pod); },
           .pod_gone = [this](const ObjectKey& pod) { agents_.gone(pod); }}),
      local_kubelet_(
          local_, scheduler_, settings_, log_,
          {.pod_ready = [this](const ObjectKey& pod) { rancher_.server_ready(pod.name); },
           .pod_terminating = {},
           .pod_gone = [this](const ObjectKey& pod) { rancher_.server_gone(pod.name); }}) {
  settings_.faults.require_live();
  for (auto* mirror : {&downstream_, &local_}) {
    mirror->observe([this, mirror](const Change& change) { schedule(*mirror, change); });
  }
}

void Live::schedule(Mirror& mirror, const Change& change) {
  if (change.key.resource != "pods" || change.type == Change::Type::deleted ||
      !text_at(change.object, "/spec/nodeName").empty() ||
      (change.type == Change::Type::modified && text_at(change.before, "/spec/nodeName").empty())) {
    return;
  }
  auto binding = bare("v1", "Binding");
  put(binding, "/metadata/name", change.key.name);
  put(binding, "/target/apiVersion", "v1");
  put(binding, "/target/kind", "Node");
  put(binding, "/target/name", "node-1");
  mirror.ask({.method = "POST",
              .target = core + "pods/" + change.key.name + "/binding",
              .body = std::move(binding)});
}

void Live::start(std::function<void()> ready) {
  asio::co_spawn(io_, fill(), [ready = std::move(ready)](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
    ready();
  });
}

void Live::end() {
  scheduler_.end();
  downstream_.end();
  local_.end();
  io_.stop();
}

asio::awaitable<void> Live::fill() {
  const auto registration = random_suffix(54);
  const auto read = co_await fill_downstream(registration);
  co_await fill_local(registration, read);
  local_.start();
  while (!local_.in_step()) co_await pause();
  rancher_.start(static_cast<unsigned short>(std::stoi(text_of(plane_ / "run/downstream.port"))));
  downstream_.start();
  co_await start_agents();
  while (!settled()) co_await pause();
  agents_.settled(read);
  write_through_rancher(plane_ / "local.kubeconfig",
                        directory_ / "downstream-through-rancher.kubeconfig",
                        std::string(cluster_id));
}

asio::awaitable<Rancher::Report> Live::fill_downstream(const std::string& registration) {
  const auto& client = downstream_.client();
  co_await create_node(client);
  co_await create_namespace(client, agents_space);
  co_await create_account(client, "helm-operation");
  co_await create_account(client, "cattle");
  auto administrator = bare("rbac.authorization.k8s.io/v1", "ClusterRoleBinding");
  put(administrator, "/roleRef/apiGroup", "rbac.authorization.k8s.io");
  put(administrator, "/roleRef/kind", "ClusterRole");
  put(administrator, "/roleRef/name", "cluster-admin");
  json::object subject;
  subject["kind"] = "ServiceAccount";
  subject["name"] = "cattle";
  subject["namespace"] = agents_space;
  put(administrator, "/subjects", json::array{subject});
  co_await create(client, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "cattle-admin",
                  std::move(administrator));
  const auto notes = opaque_secret({{"notes", "who to call at night"}});
  co_await create(client, core + "secrets", "my-cattle-token-notes", notes);
  co_await create(client, core + "secrets", std::string(credentials_secret),
                  agent_credentials(registration));
  const auto account = co_await when(client, core + "serviceaccounts/cattle",
                                     [](const json::value&) { return true; });
  const auto secret = co_await when(
      client, core + "secrets/" + text_at(account, "/secrets/0/name"), [](const json::value& each) {
        return !text_at(each, "/data/token").empty() && !text_at(each, "/data/ca.crt").empty();
      });
  co_return Rancher::Report{decoded_secret(text_at(secret, "/data/token")),
                            text_at(secret, "/data/ca.crt")};
}

asio::awaitable<void> Live::start_agents() {
  const auto& client = downstream_.client();
  const std::string image = "rancher/rancher-agent:" + rancher_version(settings_.rancher);
  for (const auto& agent : agent_workloads()) {
    const std::string plural = agent.kind == "Deployment" ? "deployments" : "daemonsets";
    const WorkloadSpec spec{
        agent.kind, agent.app, "cattle", image, {std::string(credentials_secret)}};
    co_await create(client, apps + plural, agent.name, workload(spec));
  }
  const PodSpec helm{
      .account = "helm-operation", .app = "helm-operation", .image = "rancher/shell:v0.1.5"};
  co_await create(client, core + "pods", "helm-operation-7xk2p", pod(helm, PodState::pending));
}

asio::awaitable<void> Live::fill_local(const std::string& registration,
                                       const Rancher::Report& stored) {
  const auto& client = local_.client();
  co_await create_node(client);
  co_await create_namespace(client, agents_space);
  co_await create_namespace(client, std::string(cluster_id));
  for (const auto& resource : rancher_resources()) {
    if (resource.group != "management.cattle.io") continue;
    co_await create(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                    resource.id(), definition(resource));
    co_await when(client, rancher_api + resource.plural, [](const json::value&) { return true; });
  }
  ClusterSpec production{.display_name = "production",
                         .ca_base64 = stored.ca_base64,
                         .token = stored.token,
                         .kubernetes = "v1.20.2"};
  if (settings_.faults.has("driver")) production.driver = settings_.faults.value("driver");
  const auto other_ca = secret_data(text_of(plane_ / "pki/local-ca.crt"));
  const ClusterSpec staging{.display_name = "staging", .ca_base64 = other_ca};
  const ClusterSpec own{.display_name = "local", .ca_base64 = other_ca};
  co_await create(client, clusters, std::string(cluster_id), cluster_resource(production));
  co_await create(client, clusters, "c-m4q9d", cluster_resource(staging));
  co_await create(client, clusters, "local", cluster_resource(own));
  co_await create(client, rancher_api + "settings", "server-version",
                  setting("", rancher_version(settings_.rancher)));
  co_await create(client, rancher_api + "settings", "server-url",
                  setting("https://rancher.example.com", ""));
  co_await create(client,
                  fmt::format("{}namespaces/{}/clusterregistrationtokens", rancher_api, cluster_id),
                  "system", registration_token(std::string(cluster_id), registration));
  const std::string app = settings_.faults.has("cattle-deployment") ? "cattle" : "rancher";
  co_await create_account(client, app);
  const WorkloadSpec server{"Deployment", app, app,
                            "rancher/rancher:" + rancher_version(settings_.rancher)};
  co_await create(client, apps + "deployments", app, workload(server));
}

bool Live::settled() const {
  const auto pods = downstream_.list("pods", agents_space);
  const auto running =
      std::count_if(pods.begin(), pods.end(), [](const json::value* pod) { return runs(*pod); });
  const auto servers = local_.list("pods", agents_space);
  const auto server = std::any_of(servers.begin(), servers.end(), [](const json::value* pod) {
    return runs(*pod) && !app_of(*pod).empty();
  });
  const auto* resource =
      local_.find({"clusters.management.cattle.io", "", std::string(cluster_id)});
  if (running < 3 || !server || resource == nullptr) return false;
  const auto* conditions = find_at(*resource, "/status/conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  const auto& list = conditions->get_array();
  return std::any_of(list.begin(), list.end(), [](const json::value& condition) {
    return text_at(condition, "/type") == "Ready" && text_at(condition, "/status") == "True";
  });
}

std::string Live::command(const std::string& line) {
  if (!line.starts_with("fault ")) return "there is no such command on a real control plane";
  settings_.faults.set_from(line.substr(6));
  settings_.faults.require_live();
  return {};
}

}  // namespace retrust::sandbox
