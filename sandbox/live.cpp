#include "live.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "cluster.h"
#include "json_util.h"
#include "live_fill.h"
#include "objects.h"
#include "resources.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

const std::string agents_space(agents_namespace);
const std::string core = "/api/v1/namespaces/cattle-system/";
const std::string clusters = "clusters.management.cattle.io";

/// What is mirrored of one namespace.
Mirror::Kind of_namespace(const std::string& resource, std::string_view name_space) {
  const std::string space(name_space);
  return {resource, space, "/api/v1/namespaces/" + space + "/" + resource,
          resource == "pods" ? Mirror::Kind::Changes::status : Mirror::Kind::Changes::whole};
}

Mirror::Kind clusters_of(const RancherProfile& rancher) {
  return {clusters, "", "/apis/management.cattle.io/v3/clusters",
          rancher.status_subresource == StatusSubresource::present ? Mirror::Kind::Changes::status
                                                                   : Mirror::Kind::Changes::whole};
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Throws if the condition is not fulfilled within a minute.
asio::awaitable<void> until(std::string condition, std::function<bool()> fulfilled) {
  const auto executor = co_await asio::this_coro::executor;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  asio::steady_timer timer(executor);
  while (!fulfilled()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("waited 60 s in vain until " + condition);
    }
    timer.expires_after(std::chrono::milliseconds{30});
    co_await timer.async_wait(asio::use_awaitable);
  }
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
      downstream_(
          io, plane_ / "downstream-stand-in.kubeconfig",
          {of_namespace("secrets", agents_namespace),
           of_namespace("serviceaccounts", agents_namespace),
           of_namespace("configmaps", agents_namespace), of_namespace("pods", agents_namespace),
           of_namespace("secrets", impersonation_namespace),
           of_namespace("serviceaccounts", impersonation_namespace)},
          log_),
      local_(
          io, plane_ / "local-stand-in.kubeconfig",
          {clusters_of(settings_.rancher), of_namespace("secrets", agents_namespace),
           of_namespace("secrets", credential_namespace), of_namespace("pods", agents_namespace)},
          log_),
      rancher_(io, local_, scheduler_, settings_, log_),
      agents_(downstream_, rancher_, scheduler_, settings_, log_,
              [this](const ObjectKey& pod) { return projected_token(pod); }),
      impersonators_(downstream_, settings_, log_),
      downstream_kubelet_(
          downstream_, scheduler_, settings_, log_,
          {.last_words = [this](const ObjectKey& pod) { return agents_.last_words(pod); },
           .pod_ready = [this](const ObjectKey& pod) { agents_.ready(pod); },
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

std::string Live::projected_token(const ObjectKey& pod) {
  const auto [token, fresh] = pod_tokens_.try_emplace(pod);
  if (fresh) asio::co_spawn(io_, request_token(pod), asio::detached);
  return token->second;
}

/// As the kubelet does it (Kubernetes v1.26.5, pkg/volume/projected/projected.go).
asio::awaitable<void> Live::request_token(ObjectKey pod) {
  std::string token;
  if (const auto* present = downstream_.find(pod)) {
    auto asked = bare("authentication.k8s.io/v1", "TokenRequest");
    put(asked, "/spec/expirationSeconds", 3607);
    put(asked, "/spec/boundObjectRef/apiVersion", "v1");
    put(asked, "/spec/boundObjectRef/kind", "Pod");
    put(asked, "/spec/boundObjectRef/name", pod.name);
    put(asked, "/spec/boundObjectRef/uid", text_at(*present, "/metadata/uid"));
    ApiClient::Request request{.method = "POST",
                               .target = core + "serviceaccounts/" +
                                         text_at(*present, "/spec/serviceAccountName") + "/token",
                               .body = std::move(asked)};
    try {
      const auto answer = co_await downstream_.client().ask(std::move(request));
      token = text_at(answer.body, "/status/token");
    } catch (const std::exception&) {
      // The server is away: whoever needs the token asks again.
    }
  }
  if (token.empty()) {
    pod_tokens_.erase(pod);
  } else {
    pod_tokens_[pod] = std::move(token);
  }
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
  settings_.kubernetes = co_await kubernetes_of(downstream_.client());
  const auto read = co_await fill_downstream(downstream_.client(), registration, settings_);
  const auto local_ca = secret_data(text_of(plane_ / "pki/local-ca.crt"));
  co_await fill_local(local_.client(), registration, read, local_ca, settings_);
  local_.start();
  co_await until("the local cluster's objects are known", [this] { return local_.in_step(); });
  rancher_.start(static_cast<unsigned short>(std::stoi(text_of(plane_ / "run/downstream.port"))));
  downstream_.start();
  co_await start_agents(downstream_.client(), settings_);
  co_await until("the agents run and have reported", [this] { return settled(); });
  agents_.settled(rancher_.stored());
  if (settings_.faults.take("credential-missing")) {
    remove_credential(local_, log_);
    // A server that starts again notices; one that runs goes on with what it has read.
    for (const auto* pod : local_.list("pods", agents_space)) {
      local_.remove({"pods", agents_space, text_at(*pod, "/metadata/name")});
    }
    co_await until("Rancher misses its Secret", [this] { return !is_ready(); });
  }
  write_through_rancher(plane_ / "local.kubeconfig",
                        directory_ / "downstream-through-rancher.kubeconfig",
                        std::string(cluster_id));
}

bool Live::settled() const {
  const auto pods = downstream_.list("pods", agents_space);
  const auto running =
      std::count_if(pods.begin(), pods.end(), [](const json::value* pod) { return runs(*pod); });
  const auto servers = local_.list("pods", agents_space);
  const auto server = std::any_of(servers.begin(), servers.end(), [](const json::value* pod) {
    return runs(*pod) && !app_of(*pod).empty();
  });
  const auto agents = agent_workloads(settings_);
  const auto expected = std::accumulate(
      agents.begin(), agents.end(), 1,  // the helm operation
      [](int sum, const AgentWorkload& workload) { return sum + workload.replicas; });
  return running >= expected && agents_.quiet() && server && is_ready();
}

bool Live::is_ready() const {
  const auto* resource = local_.find({clusters, "", std::string(cluster_id)});
  if (resource == nullptr) return false;
  const auto* conditions = find_at(*resource, "/status/conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  const auto& list = conditions->get_array();
  return std::any_of(list.begin(), list.end(), [](const json::value& condition) {
    return text_at(condition, "/type") == "Ready" && text_at(condition, "/status") == "True";
  });
}

std::string Live::command(const std::string& line) {
  if (line == "use-impersonation") {
    impersonators_.use();
    return {};
  }
  if (!line.starts_with("fault ")) return "there is no such command on a real control plane";
  settings_.faults.set_from(line.substr(6));
  settings_.faults.require_live();
  if (settings_.faults.take("credential-missing")) remove_credential(local_, log_);
  return {};
}

}  // namespace retrust::sandbox
