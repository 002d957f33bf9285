#include "live_fill.h"

#include <array>
#include <chrono>
#include <functional>
#include <stdexcept>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "account_token.h"
#include "cluster.h"
#include "impersonation.h"
#include "json_util.h"
#include "objects.h"
#include "resources.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

const std::string namespaces = "/api/v1/namespaces/";
const std::string core = namespaces + "cattle-system/";
const std::string apps = "/apis/apps/v1/namespaces/cattle-system/";
const std::string rancher_api = "/apis/management.cattle.io/v3/";

asio::awaitable<void> pause() {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::milliseconds{30});
  co_await timer.async_wait(asio::use_awaitable);
}

/// Makes an object, under that name; as it is then.
asio::awaitable<json::value> create(const ApiClient& client, std::string collection,
                                    std::string name, json::value object) {
  put(object, "/metadata/name", name);
  ApiClient::Request request{.method = "POST", .target = collection, .body = std::move(object)};
  const auto answer = co_await client.ask(std::move(request));
  if (answer.code != 201) {
    throw std::runtime_error(fmt::format("cannot make {}/{}: {} {}", collection, name, answer.code,
                                         text_at(answer.body, "/message")));
  }
  co_return answer.body;
}

/// What is at a path, as soon as it fulfils the condition. Throws if it does not within a minute.
asio::awaitable<json::value> when(const ApiClient& client, std::string path,
                                  std::function<bool(const json::value&)> condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (std::chrono::steady_clock::now() < end) {
    ApiClient::Request request{.method = "GET", .target = path};
    auto answer = co_await client.ask(std::move(request));
    if (answer.code == 200 && condition(answer.body)) co_return std::move(answer.body);
    co_await pause();
  }
  throw std::runtime_error(path + " did not become what it should be within 60 s");
}

/// A service account, which has that label where there is one. The controller manager of Kubernetes
/// up to 1.23 gives every one a token secret, without which up to 1.20 it can have no pod.
asio::awaitable<json::value> create_account(const ApiClient& client, std::string name_space,
                                            std::string name, std::string label,
                                            AccountTokens tokens) {
  const auto accounts = namespaces + name_space + "/serviceaccounts";
  auto made = bare("v1", "ServiceAccount");
  if (!label.empty()) place_at(made, "/metadata/labels").emplace_object()[label] = "true";
  auto account = co_await create(client, accounts, name, std::move(made));
  if (tokens == AccountTokens::on_request) co_return account;
  account = co_await when(client, accounts + "/" + name, [](const json::value& each) {
    return !text_at(each, "/secrets/0/name").empty();
  });
  co_return account;
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
  co_await when(client, namespaces + name + "/serviceaccounts/default",
                [](const json::value&) { return true; });
}

/// The token secret that Rancher's code makes for an account, or would take; its name.
asio::awaitable<std::string> create_own_token(const ApiClient& client, json::value account,
                                              const Settings& settings) {
  const auto how = settings.rancher.account_secret;
  const auto name_space = text_at(account, "/metadata/namespace");
  const auto name = text_at(account, "/metadata/name");
  auto automatic = text_at(account, "/secrets/0/name");
  auto made = own_token_name(how, name);
  // Where any will do, so will the one that the controller manager made.
  if (!automatic.empty() && (made.empty() || how == AccountSecret::any)) co_return automatic;
  json::value referring{json::object{}};
  put(referring, "/metadata/namespace", name_space);
  auto secret = own_token_secret(how, account);
  if (made.empty()) {
    // The cluster was one of Kubernetes 1.23, which made it, and it has stayed since.
    made = name + "-token-" + random_suffix(5);
    secret = token_secret(
        {.name = {}, .account = name, .account_uid = text_at(account, "/metadata/uid")});
    json::object reference;
    reference["name"] = made;
    put(referring, "/secrets", json::array{reference});
  }
  co_await create(client, namespaces + name_space + "/secrets", made, std::move(secret));
  refer_to(how, referring, made);
  ApiClient::Request request{.method = "PATCH",
                             .target = namespaces + name_space + "/serviceaccounts/" + name,
                             .body = std::move(referring),
                             .type = "application/merge-patch+json"};
  co_await client.ask(std::move(request));
  co_return made;
}

/// Users who have looked at logs or used the shell.
asio::awaitable<void> create_impersonators(const ApiClient& client, const Settings& settings) {
  const std::string name_space(impersonation_namespace);
  co_await create_namespace(client, name_space);
  for (int i = 0; i < settings.impersonation_users; ++i) {
    const auto account = co_await create_account(client, name_space, impersonation_account(),
                                                 std::string(impersonator_label),
                                                 settings.kubernetes.account_tokens);
    co_await create_own_token(client, account, settings);
  }
}

/// A clusters resource; as it is then.
asio::awaitable<json::value> create_cluster(const ApiClient& client, std::string id,
                                            ClusterSpec spec, const Settings& settings) {
  spec.tunnel_check = settings.rancher.tunnel_check;
  auto resource = cluster_resource(spec);
  json::value status{json::object{}};
  put(status, "/status", resource.at("status"));
  auto made = co_await create(client, rancher_api + "clusters", id, std::move(resource));
  if (settings.rancher.status_subresource == StatusSubresource::absent) co_return made;
  // What was sent with the resource was dropped.
  ApiClient::Request request{.method = "PATCH",
                             .target = rancher_api + "clusters/" + id + "/status",
                             .body = std::move(status),
                             .type = "application/merge-patch+json"};
  const auto answer = co_await client.ask(std::move(request));
  co_return answer.body;
}

/// A downstream cluster's, with what Rancher has stored for it.
asio::awaitable<void> create_record(const ApiClient& client, ClusterRecord record,
                                    const Settings& settings) {
  co_await create_namespace(client, record.id);
  ClusterSpec spec{.display_name = record.display_name,
                   .driver = settings.driver,
                   .ca_base64 = record.stored.ca_base64,
                   .token = record.stored.token,
                   .kubernetes = settings.kubernetes.git_version};
  if (settings.rancher.token_place == TokenPlace::secret) {
    spec.token_secret = std::string(credential_prefix) + random_suffix(5);
  }
  const auto resource = co_await create_cluster(client, record.id, spec, settings);
  co_await create(client,
                  fmt::format("{}namespaces/{}/clusterregistrationtokens", rancher_api, record.id),
                  "system", registration_token(record.id, record.registration));
  if (spec.token_secret.empty()) co_return;
  const auto secrets = fmt::format("{}{}/secrets", namespaces, credential_namespace);
  co_await create(client, secrets, spec.token_secret,
                  credential_secret(resource, record.stored.token));
}

}  // namespace

asio::awaitable<KubernetesProfile> kubernetes_of(const ApiClient& client) {
  ApiClient::Request request{.method = "GET", .target = "/version"};
  const auto answer = co_await client.ask(std::move(request));
  const auto version = text_at(answer.body, "/gitVersion");
  // Without what a distribution adds to it: v1.26.5+k3s1.
  co_return kubernetes_profile(version.substr(0, version.find_first_of("+-")));
}

asio::awaitable<Rancher::Report> fill_downstream(const ApiClient& client, std::string registration,
                                                 std::string id, const Settings& settings) {
  const std::string agents(agents_namespace);
  co_await create_node(client);
  co_await create_namespace(client, agents);
  const auto tokens = settings.kubernetes.account_tokens;
  co_await create_account(client, agents, "helm-operation", "", tokens);
  const auto account = co_await create_account(client, agents, "cattle", "", tokens);
  auto administrator = bare("rbac.authorization.k8s.io/v1", "ClusterRoleBinding");
  put(administrator, "/roleRef/apiGroup", "rbac.authorization.k8s.io");
  put(administrator, "/roleRef/kind", "ClusterRole");
  put(administrator, "/roleRef/name", "cluster-admin");
  json::object subject;
  subject["kind"] = "ServiceAccount";
  subject["name"] = "cattle";
  subject["namespace"] = agents;
  put(administrator, "/subjects", json::array{subject});
  co_await create(client, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "cattle-admin",
                  std::move(administrator));
  const auto notes = opaque_secret({{"notes", "who to call at night"}});
  co_await create(client, core + "secrets", "my-cattle-token-notes", notes);
  co_await create(client, core + "secrets", std::string(credentials_secret),
                  agent_credentials(registration, id));
  if (settings.rancher.impersonation == Impersonation::user_accounts) {
    co_await create_impersonators(client, settings);
  }
  const auto name = co_await create_own_token(client, account, settings);
  const auto secret = co_await when(client, core + "secrets/" + name, [](const json::value& each) {
    return !text_at(each, "/data/token").empty() && !text_at(each, "/data/ca.crt").empty();
  });
  co_return Rancher::Report{decoded_secret(text_at(secret, "/data/token")),
                            text_at(secret, "/data/ca.crt")};
}

asio::awaitable<void> start_agents(const ApiClient& client, const Settings& settings) {
  const std::string image = "rancher/rancher-agent:" + settings.rancher.version;
  for (const auto& agent : agent_workloads(settings)) {
    const std::string plural = agent.kind == "Deployment" ? "deployments" : "daemonsets";
    const WorkloadSpec spec{
        agent.kind, agent.app, "cattle", image, {std::string(credentials_secret)}, agent.replicas};
    co_await create(client, apps + plural, agent.name, workload(spec));
  }
  const PodSpec helm{
      .account = "helm-operation", .app = "helm-operation", .image = "rancher/shell:v0.1.5"};
  co_await create(client, core + "pods", "helm-operation-7xk2p", pod(helm, PodState::pending));
}

asio::awaitable<void> fill_local(const ApiClient& client, std::vector<ClusterRecord> records,
                                 std::string local_ca_base64, const Settings& settings) {
  co_await create_node(client);
  const std::array spaces{agents_namespace, credential_namespace};
  for (const auto name_space : spaces) co_await create_namespace(client, std::string(name_space));
  for (const auto& resource : rancher_resources(settings.rancher)) {
    co_await create(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                    resource.id(), definition(resource));
    co_await when(client, fmt::format("/apis/{}/{}", resource.api_version(), resource.plural),
                  [](const json::value&) { return true; });
  }
  for (const auto& record : records) co_await create_record(client, record, settings);
  const ClusterSpec staging{.display_name = "staging", .ca_base64 = local_ca_base64};
  const ClusterSpec own{.display_name = "local", .ca_base64 = local_ca_base64};
  co_await create_cluster(client, "c-m4q9d", staging, settings);
  co_await create_cluster(client, "local", own, settings);
  co_await create(client, rancher_api + "settings", "server-version",
                  setting("", settings.rancher.version));
  co_await create(client, rancher_api + "settings", "server-url",
                  setting("https://rancher.example.com", ""));
  const std::string app = settings.faults.has("cattle-deployment") ? "cattle" : "rancher";
  co_await create_account(client, std::string(agents_namespace), app, "",
                          settings.kubernetes.account_tokens);
  const WorkloadSpec server{"Deployment", app, app, "rancher/rancher:" + settings.rancher.version};
  co_await create(client, apps + "deployments", app, workload(server));
}

}  // namespace retrust::sandbox
