#include "rancher.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "credentials/encoding.h"
#include "json_util.h"
#include "probe.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

const ObjectKey resource_key{"clusters.management.cattle.io", "", std::string(cluster_id)};

std::string credentials_of(const json::value& resource) {
  return text_at(resource, "/status/caCert") + " " +
         text_at(resource, "/status/serviceAccountToken");
}

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
      text_at(*found, "/message") == message) {
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

}  // namespace

std::string rancher_version(const std::string& profile) {
  static const std::map<std::string, std::string> latest{{"2.0", "v2.0.16"}, {"2.1", "v2.1.14"},
                                                         {"2.2", "v2.2.13"}, {"2.3", "v2.3.11"},
                                                         {"2.4", "v2.4.17"}, {"2.5", "v2.5.15"}};
  const auto found = latest.find(profile);
  if (found != latest.end()) return found->second;
  return profile.starts_with('v') || profile == "dev" ? profile : "v" + profile;
}

int rancher_series(const std::string& profile) {
  const auto version = rancher_version(profile);
  int major = 0;
  int minor = 0;
  if (std::sscanf(version.c_str(), "v%d.%d", &major, &minor) != 2) return 1000;
  return major * 100 + minor;
}

Rancher::Rancher(boost::asio::io_context& io, Objects& local, Scheduler& scheduler,
                 const Settings& settings, Log& log)
    : io_(io), local_(local), scheduler_(scheduler), settings_(settings), log_(log) {}

const json::value& Rancher::resource() const {
  return *local_.find(resource_key);
}

void Rancher::start(unsigned short downstream_port) {
  downstream_port_ = downstream_port;
  known_ = credentials_of(resource());
  local_.observe([this](const Change& change) { look(change); });
  tell_proxy();
  connect();
}

void Rancher::look(const Change& change) {
  if (change.key != resource_key || change.type != Change::Type::modified) return;
  const auto now = credentials_of(change.object);
  if (now == known_) return;
  known_ = now;
  ++epoch_;
  ++round_;  // what an attempt under way finds is about what is no longer stored
  log_.event("rancher", "stored",
             "token sha256:" +
                 sha256_hex(text_at(change.object, "/status/serviceAccountToken")).substr(0, 12));
  tell_proxy();
  // Not from within the change itself: its author still looks at it.
  scheduler_.after(settings_.delay(200), [this] { connect(); });
}

void Rancher::report(const Report& report) {
  const auto driver = text_at(resource(), "/status/driver");
  if (!driver.empty() && driver != "imported") {
    log_.event("rancher", "ignored", "driver " + driver);
    return;
  }
  log_.event("rancher", "report", "token sha256:" + sha256_hex(report.token).substr(0, 12));
  auto changed = resource();
  put(changed, "/status/caCert", report.ca_base64);
  put(changed, "/status/serviceAccountToken", report.token);
  local_.update(resource_key, std::move(changed));
}

void Rancher::connect() {
  const auto round = ++round_;
  ProbeRequest request;
  request.port = downstream_port_;
  request.ca_pem = base64_decode(text_at(resource(), "/status/caCert")).value_or("");
  request.token = text_at(resource(), "/status/serviceAccountToken");
  request.path = "/api/v1/componentstatuses?timeout=30s";
  probe(io_, request, [this, round](const std::string& error) {
    if (round == round_) conclude(error);
  });
}

void Rancher::conclude(const std::string& error) {
  auto changed = resource();
  if (error.empty()) {
    set_condition(changed, "Ready", "True", "", "");
  } else {
    const auto message = fmt::format(
        "Failed to communicate with API server: Get "
        "https://10.43.0.1:443/api/v1/componentstatuses?timeout=30s: {}",
        error);
    set_condition(changed, "Ready", "False", "ClusterHealthCheckFailed", message);
  }
  local_.update(resource_key, std::move(changed));
  const auto round = round_;
  const auto pause = settings_.delay(error.empty() ? 5000 : 1000);
  scheduler_.after(pause, [this, round] {
    if (round == round_) connect();
  });
}

void Rancher::server_ready(const std::string& pod) {
  servers_[pod] = epoch_;
  tell_proxy();
}

void Rancher::server_gone(const std::string& pod) {
  servers_.erase(pod);
  tell_proxy();
}

void Rancher::tell_proxy() {
  // Up to 2.1 the proxy for logs and shell keeps what it read when the server started.
  const auto stale = rancher_series(settings_.rancher) < 202 &&
                     std::any_of(servers_.begin(), servers_.end(),
                                 [&](const auto& server) { return server.second < epoch_; });
  const std::string state = stale ? "stale" : "fresh";
  if (state == proxy_) return;
  proxy_ = state;
  log_.event("rancher", "proxy", state);
}

}  // namespace retrust::sandbox
