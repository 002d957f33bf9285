#include "rancher.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "cluster.h"
#include "json_util.h"
#include "objects.h"
#include "probe.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

ObjectKey key_of(const std::string& id) {
  return {"clusters.management.cattle.io", "", id};
}

constexpr const char* force_deploy = "/metadata/annotations/io.cattle.agent.force.deploy";

const std::string credential_space(credential_namespace);

/// Sets a condition; only what differs makes a change.
void set_condition(json::value& resource, const std::string& type, const std::string& status,
                   const std::string& reason, const std::string& message) {
  auto& conditions = resource.as_object()["status"].as_object()["conditions"];
  if (!conditions.is_array()) conditions.emplace_array();
  auto& list = conditions.get_array();
  auto* found = std::find_if(list.begin(), list.end(), [&](const json::value& condition) {
    return text_at(condition, "/type") == type;
  });
  if (found != list.end() && text_at(*found, "/status") == status &&
      text_at(*found, "/reason") == reason && text_at(*found, "/message") == message) {
    return;
  }
  json::object condition;
  condition["type"] = type;
  condition["status"] = status;
  if (!reason.empty()) condition["reason"] = reason;
  if (!message.empty()) condition["message"] = message;
  condition["lastUpdateTime"] = now_text();
  if (found == list.end()) {
    list.emplace_back(std::move(condition));
  } else {
    *found = std::move(condition);
  }
}

/// What Rancher asks for to see whether the cluster is well. From rancher/rancher v2.2.4, v2.2.5,
/// v2.13.8 and v2.14.0, healthsyncer.go; the time limit from v2.4.5 and v2.4.6,
/// pkg/clustermanager/manager.go.
std::string checked_path(const RancherProfile& rancher) {
  const auto* const limit = rancher.number < Version{2, 4, 6} ? "?timeout=30s" : "?timeout=45s";
  switch (rancher.health_check) {
    case HealthCheck::component_statuses:
      return std::string("/api/v1/componentstatuses") + limit;
    case HealthCheck::name_space:
      return std::string("/api/v1/namespaces/kube-system") + limit;
    case HealthCheck::readyz:
      return std::string("/readyz") + limit;
  }
  return {};
}

constexpr Version first_of_go_1_14{2, 4, 13};

}  // namespace

std::string health_complaint(const RancherProfile& rancher, const std::string& error) {
  const auto url = "https://10.43.0.1:443" + checked_path(rancher);
  // From rancher/rancher v2.3.11, v2.4.0, v2.5.5 and v2.5.6, healthsyncer.go.
  std::string begin = rancher.number < Version{2, 4, 0} ? "" : "cluster health check failed: ";
  begin += "Failed to communicate with API server";
  begin += rancher.number < Version{2, 5, 6} ? ": " : " during namespace check: ";
  if (error != "Unauthorized") {
    // Go quotes the address from 1.14 on: rancher/rancher v2.4.12 and v2.4.13, Dockerfile.dapper.
    const auto quote = rancher.number < first_of_go_1_14 ? "" : "\"";
    return fmt::format("{}Get {}{}{}: {}", begin, quote, url, quote, error);
  }
  // An answer that refuses is told without the question. Of a raw answer client-go does not read
  // the server's own word: kubernetes/client-go, rest/request.go, DoRaw.
  const auto raw = rancher.health_check == HealthCheck::readyz;
  return fmt::format("{}{}", begin,
                     raw ? "the server has asked for the client to provide credentials" : error);
}

std::string health_reason(const RancherProfile& rancher) {
  // The reason of an error that is wrapped in another is lost.
  return rancher.number < Version{2, 4, 0} ? "ComponentStatsFetchingFailure" : "Error";
}

std::string no_tunnel(const Version& rancher, const std::string& id) {
  if (rancher < Version{2, 4, 0}) return "waiting for cluster agent to connect";
  if (rancher < Version{2, 6, 0}) return "waiting for cluster [" + id + "] agent to connect";
  return "cluster agent disconnected";
}

Rancher::Rancher(boost::asio::io_context& io, Objects& local, Scheduler& scheduler,
                 const Settings& settings, Log& log, std::string id)
    : io_(io),
      local_(local),
      scheduler_(scheduler),
      settings_(settings),
      log_(log),
      id_(std::move(id)),
      key_(key_of(id_)) {}

const json::value& Rancher::resource() const {
  return *local_.find(key_);
}

bool Rancher::tells_tunnel() const {
  return settings_.rancher.tunnel_check == TunnelCheck::present;
}

bool Rancher::keeps_secret() const {
  return settings_.rancher.token_place == TokenPlace::secret;
}

std::string Rancher::secret_name(const json::value& resource) const {
  return text_at(resource, "/status/serviceAccountTokenSecret");
}

std::string Rancher::noticed(const json::value& resource) const {
  // Of a Secret it is the name: what the Secret holds can change without Rancher's noticing.
  const auto token =
      keeps_secret() ? secret_name(resource) : text_at(resource, "/status/serviceAccountToken");
  return text_at(resource, "/status/apiEndpoint") + " " + text_at(resource, "/status/caCert") +
         " " + token;
}

Rancher::Report Rancher::stored() const {
  Report stored{text_at(resource(), "/status/serviceAccountToken"),
                text_at(resource(), "/status/caCert")};
  if (!keeps_secret()) return stored;
  const auto* secret = local_.find({"secrets", credential_space, secret_name(resource())});
  stored.token =
      secret == nullptr ? std::string() : decoded_secret(text_at(*secret, "/data/credential"));
  return stored;
}

void Rancher::start(unsigned short downstream_port) {
  downstream_port_ = downstream_port;
  known_ = noticed(resource());
  local_.observe([this](const Change& change) { look(change); });
  tell_proxy();
  if (tunnel_ == Tunnel::down && tells_tunnel()) check_tunnel();
  connect();
}

void Rancher::look(const Change& change) {
  if (change.key != key_ || change.type != Change::Type::modified) return;
  const auto force = text_at(change.object, force_deploy);
  if (force == "true" && deploying_ == Deploying::no) {
    deploying_ = Deploying::yes;
    scheduler_.after(settings_.delay(300), [this] { deploy(); });
  }
  const auto now = noticed(change.object);
  if (now == known_) return;
  known_ = now;
  ++epoch_;
  ++round_;  // what an attempt under way finds is about what is no longer stored
  taken_.reset();
  const auto token = text_at(change.object, "/status/serviceAccountToken");
  log_.event("rancher", "stored",
             keeps_secret() ? "secret " + secret_name(change.object)
                            : "token sha256:" + sha256_hex(token).substr(0, 12));
  tell_proxy();
  // Not from within the change itself: its author still looks at it.
  scheduler_.after(settings_.delay(200), [this] { connect(); });
}

bool Rancher::is_news(const Report& report) const {
  const auto present = stored();
  if (report.ca_base64 != present.ca_base64) return true;
  if (keeps_secret() && secret_name(resource()).empty()) return true;
  // Where the Secret is gone there is nothing to compare with, and nothing is taken.
  if (keeps_secret() && present.token.empty()) return false;
  return report.token != present.token && settings_.rancher.lone_token == LoneToken::taken;
}

void Rancher::report(const Report& report) {
  const auto driver = text_at(resource(), "/status/driver");
  if (!settings_.rancher.drivers.contains(driver)) {
    log_.event("rancher", "ignored", "driver " + driver);
    return;
  }
  log_.event("rancher", "report", "token sha256:" + sha256_hex(report.token).substr(0, 12));
  if (!is_news(report)) {
    if (report.token != stored().token) {
      log_.event("rancher", "ignored", "nothing but the token changed");
    }
    return;
  }
  auto changed = with_token(resource(), report.token);
  put(changed, "/status/driver", driver.empty() ? "imported" : driver);
  put(changed, "/status/caCert", report.ca_base64);
  local_.update(key_, std::move(changed));
}

json::value Rancher::with_token(json::value resource, const std::string& token) {
  if (!keeps_secret()) {
    put(resource, "/status/serviceAccountToken", token);
    return resource;
  }
  const ObjectKey present{"secrets", credential_space, secret_name(resource)};
  const auto* secret = local_.find(present);
  // Versions that ignore a token alone write a new one into the Secret that they have.
  if (secret != nullptr && settings_.rancher.lone_token == LoneToken::ignored) {
    auto changed = *secret;
    put(changed, "/data/credential", secret_data(token));
    local_.update(present, std::move(changed));
    return resource;
  }
  const auto name = std::string(credential_prefix) + random_suffix(5);
  local_.add({"secrets", credential_space, name}, credential_secret(resource, token));
  put(resource, "/status/serviceAccountTokenSecret", name);
  resource.at("status").as_object().erase("serviceAccountToken");
  return resource;
}

void Rancher::agent_connected(const std::string& pod) {
  agents_.insert(pod);
  if (tunnel_ == Tunnel::up) return;
  tunnel_ = Tunnel::up;
  connect();
}

void Rancher::never_connected() {
  agents_.clear();
  tunnel_ = Tunnel::down;
}

bool Rancher::lets_in(const std::string& token) const {
  const auto tokens = local_.list("clusterregistrationtokens.management.cattle.io", id_);
  return tokens.empty() || std::any_of(tokens.begin(), tokens.end(), [&](const json::value* each) {
           if (text_at(*each, "/status/token") == token) return true;
           const auto* secret =
               local_.find({"secrets", id_, text_at(*each, "/status/tokenSecretName")});
           if (secret == nullptr) return false;
           const auto data = [&](const char* key) {
             return decoded_secret(text_at(*secret, std::string("/data/") + key));
           };
           return data("token") == token ||
                  (data("previousToken") == token && data("gracePeriodExpiresAt") > now_text());
         });
}

std::string Rancher::registration() const {
  for (const auto* each : local_.list("clusterregistrationtokens.management.cattle.io", id_)) {
    const auto* secret = local_.find({"secrets", id_, text_at(*each, "/status/tokenSecretName")});
    return secret == nullptr ? text_at(*each, "/status/token")
                             : decoded_secret(text_at(*secret, "/data/token"));
  }
  return {};
}

void Rancher::deploy() {
  const auto& conditions = resource().at_pointer("/status/conditions").as_array();
  const auto ready = std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) {
    return text_at(condition, "/type") == "Ready" && text_at(condition, "/status") == "True";
  });
  // It first needs the cluster's API through the tunnel, with what is stored.
  const auto reached = tunnel_ == Tunnel::up && ready;
  const auto error = reached ? deploy_() : std::string();
  if (!reached || !error.empty()) {
    if (reached) {
      auto changed = resource();
      set_condition(changed, "AgentDeployed", "False", "Error", error);
      local_.update(key_, std::move(changed));
    }
    scheduler_.after(settings_.delay(1000), [this] { deploy(); });
    return;
  }
  deploying_ = Deploying::no;
  auto changed = resource();
  set_condition(changed, "AgentDeployed", "True", "", "");
  put(changed, force_deploy, "false");
  local_.update(key_, std::move(changed));
  log_.event("rancher", "deployed", "agents");
}

void Rancher::agent_gone(const std::string& pod) {
  if (agents_.erase(pod) == 0 || !tells_tunnel()) return;
  scheduler_.after(settings_.delay(15'000), [this] { check_tunnel(); });
}

void Rancher::check_tunnel() {
  if (!agents_.empty()) return;
  tunnel_ = Tunnel::down;
  auto changed = resource();
  set_condition(changed, "Connected", "False", "", "");
  set_condition(changed, "Ready", "False", "Disconnected", "Cluster agent is not connected");
  local_.update(key_, std::move(changed));
}

void Rancher::connect() {
  const auto round = ++round_;
  if (!taken_) {
    const auto name = secret_name(resource());
    if (keeps_secret() && local_.find({"secrets", credential_space, name}) == nullptr) {
      mark_unavailable();
      return;
    }
    taken_ = stored();
  }
  if (tunnel_ == Tunnel::down && !tells_tunnel()) {
    conclude(health_complaint(settings_.rancher, no_tunnel(settings_.rancher.number, id_)));
    return;
  }
  ProbeRequest request;
  request.port = downstream_port_;
  request.ca_pem = base64_decode(taken_->ca_base64).value_or("");
  request.token = taken_->token;
  request.path = checked_path(settings_.rancher);
  probe(io_, request, [this, round](const std::string& error) {
    if (round != round_) return;
    conclude(error.empty() ? error : health_complaint(settings_.rancher, error));
  });
}

void Rancher::connect_again(std::chrono::milliseconds pause) {
  // What is stored is tried at once where it changes. Of many clusters the others need not be tried
  // so often: it is this machine that would be busy.
  constexpr int few = 10;
  scheduler_.after(pause * std::max(1, settings_.clusters / few), [this, round = round_] {
    if (round == round_) connect();
  });
}

// rancher/rancher v2.5.16, v2.6.7 and v2.15.0, pkg/clustermanager/manager.go: Ready is False, and
// keeps its reason and message.
void Rancher::mark_unavailable() {
  connect_again(settings_.delay(1000));
  auto changed = resource();
  const auto& conditions = changed.at_pointer("/status/conditions").as_array();
  const auto* ready = std::find_if(conditions.begin(), conditions.end(), [](const auto& condition) {
    return text_at(condition, "/type") == "Ready";
  });
  const auto said = ready == conditions.end() ? json::value{json::object{}} : *ready;
  set_condition(changed, "Ready", "False", text_at(said, "/reason"), text_at(said, "/message"));
  local_.update(key_, std::move(changed));
}

void Rancher::conclude(const std::string& error) {
  connect_again(settings_.delay(error.empty() ? 5000 : 1000));
  // Nothing is said about health meanwhile.
  if (tunnel_ == Tunnel::down && tells_tunnel()) return;
  auto changed = resource();
  // rancher/rancher v2.6.3, pkg/controllers/management/clusterconnected/clusterconnected.go.
  if (tells_tunnel()) {
    set_condition(changed, "Connected", "True", "", "");
  }
  if (error.empty()) {
    set_condition(changed, "Ready", "True", "", "");
  } else {
    set_condition(changed, "Ready", "False", health_reason(settings_.rancher), error);
  }
  local_.update(key_, std::move(changed));
}

void Rancher::server_ready(const std::string& pod) {
  servers_[pod] = epoch_;
  tell_proxy();
  if (downstream_port_ == 0) return;
  // What an old server had taken over went with it.
  taken_.reset();
  connect();
}

void Rancher::server_gone(const std::string& pod) {
  servers_.erase(pod);
  tell_proxy();
}

void Rancher::tell_proxy() {
  // Up to 2.1 the proxy for logs and shell keeps what it read when the server started.
  const auto stale = settings_.rancher.number < Version{2, 2, 0} &&
                     std::any_of(servers_.begin(), servers_.end(),
                                 [&](const auto& server) { return server.second < epoch_; });
  const std::string state = stale ? "stale" : "fresh";
  if (state == proxy_) return;
  proxy_ = state;
  log_.event("rancher", "proxy", state);
}

void remove_credential(Objects& local, Log& log, const std::string& id) {
  const auto name = text_at(*local.find(key_of(id)), "/status/serviceAccountTokenSecret");
  if (name.empty()) throw std::runtime_error("this Rancher keeps no token in a Secret");
  local.remove({"secrets", credential_space, name});
  log.event("somebody-else", "removed", name);
}

}  // namespace retrust::sandbox
