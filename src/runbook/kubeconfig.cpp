#include "runbook/kubeconfig.h"

#include <cerrno>
#include <cstring>
#include <stdlib.h>
#include <system_error>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "binaries/json.h"
#include "credentials/encoding.h"
#include "credentials/secret.h"
#include "credentials/token.h"
#include "transcript/failure.h"
#include "transcript/text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

namespace json = boost::json;

std::filesystem::path private_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "retrust-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {  // mode 0700
    throw Failure(
        ExitStatus::refused,
        fmt::format("cannot make a temporary directory {}: {}", pattern, std::strerror(errno)),
        "TMPDIR names the place where it is made");
  }
  return pattern;
}

}  // namespace

KubeconfigView parse_kubeconfig(const json::value& view) {
  KubeconfigView parsed;
  const auto& clusters = array_at(view, "/clusters");
  if (clusters.empty()) return parsed;
  if (const auto* cluster = find_at(clusters.front(), "/cluster"); cluster != nullptr) {
    parsed.cluster = *cluster;
  }
  parsed.server = text_at(parsed.cluster, "/server");
  parsed.ca_pem =
      base64_decode(text_at(parsed.cluster, "/certificate-authority-data")).value_or("");
  const auto* skip = find_at(parsed.cluster, "/insecure-skip-tls-verify");
  if (skip != nullptr && skip->is_bool() && skip->get_bool()) {
    parsed.trust = KubeconfigView::Trust::skips_verification;
  }
  return parsed;
}

void keep_users(Redactor& redactor, const boost::json::value& view) {
  for (const auto& user : array_at(view, "/users")) {
    keep_secret(redactor, text_at(user, "/user/token"));
    keep_secret(redactor, text_at(user, "/user/password"));
    const auto key = text_at(user, "/user/client-key-data");
    if (key.empty()) continue;
    const auto label = fmt::format("‹client-key-data sha256:{}›", fingerprint(key));
    redactor.add(key, label);
    // And the lines of the PEM file, its first and last apart.
    for (const auto& line : split_lines(base64_decode(key).value_or(""))) {
      if (!line.starts_with("-----")) redactor.add(line, label);
    }
  }
}

std::string through_rancher(const std::string& server) {
  constexpr std::string_view path = "/k8s/clusters/";
  const auto at = server.find(path);
  if (at == std::string::npos) return {};
  const auto id = server.substr(at + path.size());
  return id.substr(0, id.find_first_of("/?"));
}

TemporaryKubeconfig::TemporaryKubeconfig(const KubeconfigView& operators,
                                         const Credentials& credentials)
    : directory_(private_directory()) {
  json::object cluster;
  if (operators.cluster.is_object()) cluster = operators.cluster.get_object();
  cluster.erase("insecure-skip-tls-verify");
  cluster.erase("certificate-authority");
  cluster["certificate-authority-data"] = base64_encode(credentials.ca_pem);
  json::object user;
  if (!credentials.token.empty()) user["token"] = credentials.token.reveal();

  const auto entry = [](std::string_view key, json::object value) {
    json::object named;
    named["name"] = "retrust";
    named[key] = std::move(value);
    json::array list;
    list.emplace_back(std::move(named));
    return list;
  };
  json::object context;
  context["cluster"] = "retrust";
  context["user"] = "retrust";
  json::object config;
  config["apiVersion"] = "v1";
  config["kind"] = "Config";
  config["current-context"] = "retrust";
  config["clusters"] = entry("cluster", std::move(cluster));
  config["users"] = entry("user", std::move(user));
  config["contexts"] = entry("context", std::move(context));
  const auto folder = Folder::open_or_create(directory_);
  PrivateFile(folder, "kubeconfig").write(json::serialize(config));
}

TemporaryKubeconfig::~TemporaryKubeconfig() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace retrust
