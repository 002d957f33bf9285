#include "observe/stored_token.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "observe/commands.h"
#include "observe/parse.h"

namespace retrust {

namespace json = boost::json;
using boost::asio::awaitable;

namespace {

/// True if the CRD has a status subresource, in the v1 or the v1beta1 form.
bool has_status_subresource(const json::value& crd) {
  if (find_at(crd, "/spec/subresources/status") != nullptr) return true;
  const auto& versions = array_at(crd, "/spec/versions");
  return std::any_of(versions.begin(), versions.end(), [](const json::value& version) {
    return text_at(version, "/name") == "v3" && find_at(version, "/subresources/status") != nullptr;
  });
}

}  // namespace

void take_read_place(ClusterResource& cluster, const RancherServer& rancher, Redactor& redactor) {
  if (cluster.token_secret_name.empty() || keeps_token_in_secret(cluster, rancher)) return;
  cluster.unread_secret = std::exchange(cluster.token_secret_name, {});
  cluster.token_secret.reset();
  cluster.stored.token =
      Secret(redactor, Secret::Kind::account, text_at(cluster.raw, "/status/serviceAccountToken"));
}

std::string why_not_reported(const ClusterResource& cluster, const RancherServer& rancher,
                             Reported reported) {
  const auto& version = rancher.version;
  if (!version) return {};
  const auto& driver = cluster.driver;
  constexpr std::array listened{"imported", "k3s", "k3os", "rancherd", "rke2"};
  // Every version takes an empty driver for `imported`: rancher/rancher v2.4.17 and v2.5.16,
  // pkg/tunnelserver/tunnel.go; v2.6.0 and v2.15.0, pkg/tunnelserver/mcmauthorizer/tunnel.go.
  const auto imported = driver == "imported" || driver.empty();
  const auto among = std::find(listened.begin(), listened.end(), driver) != listened.end() &&
                     *version >= Version{2, 6, 0};
  const auto taken = imported || among;
  if (!taken) {
    return fmt::format("Rancher {} takes no reports for the driver {}", rancher.version_text,
                       driver);
  }
  const auto deaf = (*version >= Version{2, 5, 16} && *version < Version{2, 6, 0}) ||
                    (*version >= Version{2, 6, 7} && *version < Version{2, 6, 10}) ||
                    *version == Version{2, 7, 0};
  if (reported == Reported::token_alone && deaf) {
    return fmt::format("Rancher {} ignores a token that changed alone", rancher.version_text);
  }
  if (reported == Reported::token_alone && !cluster.token_secret_name.empty() &&
      !cluster.token_secret) {
    return fmt::format("the Secret {} is gone, and no report brings it back",
                       cluster.token_secret_name);
  }
  return {};
}

awaitable<void> read_stored_token(const Kubectl& local, ClusterResource& cluster,
                                  Redactor& redactor) {
  if (cluster.token_secret_name.empty()) co_return;
  auto args = commands::secret(credential_namespace, cluster.token_secret_name);
  const auto found = co_await local.find(std::move(args));
  std::optional<json::object> secret;
  if (found && found->is_object()) secret = found->get_object();
  take_token_secret(cluster, std::move(secret), redactor);
}

awaitable<std::optional<ClusterResource>> find_cluster(const Kubectl& local, ClusterId id,
                                                       const RancherServer& rancher,
                                                       Redactor& redactor) {
  const auto object = co_await local.find(commands::cluster(id));
  if (!object) co_return std::nullopt;
  auto cluster = parse_cluster(*object, redactor);
  take_read_place(cluster, rancher, redactor);
  co_await read_stored_token(local, cluster, redactor);
  co_return cluster;
}

awaitable<ClusterResource> read_cluster(const Kubectl& local, ClusterId id,
                                        const RancherServer& rancher, Redactor& redactor) {
  const auto object = co_await local.get(commands::cluster(id));
  auto cluster = parse_cluster(object, redactor);
  take_read_place(cluster, rancher, redactor);
  co_await read_stored_token(local, cluster, redactor);
  co_return cluster;
}

json::object new_token_secret(const ClusterResource& cluster, const Secret& token,
                              const ObjectName& name) {
  const json::value raw(cluster.raw);
  json::object owner;
  owner["apiVersion"] = "management.cattle.io/v3";
  owner["kind"] = "Cluster";
  owner["name"] = cluster.id.text();
  owner["uid"] = text_at(raw, "/metadata/uid");
  json::object metadata;
  metadata["name"] = name.text();
  metadata["namespace"] = credential_namespace;
  metadata["ownerReferences"] = json::array{std::move(owner)};
  json::object data;
  data["credential"] = base64_encode(token.reveal());
  json::object secret;
  secret["apiVersion"] = "v1";
  secret["kind"] = "Secret";
  secret["type"] = "Opaque";
  secret["metadata"] = std::move(metadata);
  secret["data"] = std::move(data);
  return secret;
}

awaitable<std::string> status_path(const Kubectl& local, ClusterId id) {
  const auto crd = co_await local.get(commands::clusters_definition());
  if (!has_status_subresource(crd)) co_return std::string();
  co_return status_path_of(id);
}

std::string status_path_of(const ClusterId& id) {
  return fmt::format("/apis/management.cattle.io/v3/clusters/{}/status", id);
}

}  // namespace retrust
