#include "base/pod_account.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/trust.h"

namespace retrust {
namespace {

namespace json = boost::json;

constexpr const char* host_variable = "KUBERNETES_SERVICE_HOST";
constexpr const char* port_variable = "KUBERNETES_SERVICE_PORT";
constexpr const char* token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
constexpr const char* ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

std::optional<std::string> own_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

json::array entry(std::string_view key, json::object value) {
  return {json::object{{"name", ""}, {key, std::move(value)}}};
}

}  // namespace

bool runs_in_pod(const std::function<std::optional<std::string>(const std::string&)>& variable) {
  if (variable(host_variable).value_or("").empty()) return false;
  const auto port = variable(port_variable).value_or("");
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos) return false;
  std::error_code unknown;
  const auto state = std::filesystem::status(token_file, unknown);
  return std::filesystem::exists(state) && !std::filesystem::is_directory(state);
}

bool runs_in_pod() {
  return runs_in_pod(own_variable);
}

json::object pod_config() {
  const auto host = own_variable(host_variable).value_or("");
  const auto is_ipv6 = host.find(':') != std::string::npos;
  json::object cluster;
  cluster["server"] = fmt::format("https://{}:{}", is_ipv6 ? fmt::format("[{}]", host) : host,
                                  own_variable(port_variable).value_or(""));
  constexpr std::size_t most_of_ca = 1024UL * 1024;
  if (const auto pem = beginning_of(ca_file, most_of_ca); !pem.empty()) {
    cluster["certificate-authority-data"] = base64_encode(pem);
  }
  json::object config;
  config["current-context"] = "";
  config["clusters"] = entry("cluster", std::move(cluster));
  config["users"] = entry("user", {{"tokenFile", token_file}});
  config["contexts"] = entry("context", {{"cluster", ""}, {"user", ""}});
  return config;
}

std::string shown_kubeconfig(const std::string& kubeconfig) {
  return is_of_pod(kubeconfig) ? "the account of this Pod" : kubeconfig;
}

}  // namespace retrust
