#include "observe/backup_offers.h"

#include <algorithm>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "process/tasks.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Reads a path. Null if the cluster does not answer, or denies it.
awaitable<json::value> read_if_allowed(Kubectl local, std::string path) {
  try {
    auto answer = co_await local.get_raw(std::move(path));
    co_return answer;
  } catch (const Failure&) {
  }
  co_return json::value();
}

awaitable<void> store(awaitable<json::value> reading, json::value& answer) {
  answer = co_await std::move(reading);
}

}  // namespace

std::string BackupOffers::option() const {
  if (backup_operator) return "--rancher-backup";
  return distribution ? fmt::format("--{}", name_of(*distribution)) : std::string();
}

std::string BackupOffers::text() const {
  std::vector<std::string> parts;
  if (backup_operator) {
    parts.emplace_back(
        "the Rancher backup operator is installed in Rancher's cluster (--rancher-backup)");
  }
  if (distribution) {
    const auto name = name_of(*distribution);
    parts.push_back(fmt::format("Rancher's cluster is one of {} (--{}, on a server node of it)",
                                *distribution == Distribution::k3s ? "k3s" : "RKE2", name));
  }
  return enumerated(parts);
}

// k3s-io/k3s scripts/version.sh and rancher/rke2 scripts/version.sh: v1.30.4+k3s1, v1.30.4+rke2r1.
std::optional<Distribution> distribution_of(std::string_view version) {
  const auto build = version.substr(std::min(version.find('+'), version.size()));
  if (build.starts_with("+k3s")) return Distribution::k3s;
  if (build.starts_with("+rke2")) return Distribution::rke2;
  return std::nullopt;
}

awaitable<BackupOffers> observe_backup_offers(Kubectl local) {
  // Everybody may read the versions and the resource types (system:public-info-viewer and
  // system:discovery). A node tells the distribution where another server is in front.
  json::value version;
  json::value nodes;
  json::value types;
  std::vector<awaitable<void>> readings;
  readings.push_back(store(read_if_allowed(local, "/version"), version));
  readings.push_back(store(read_if_allowed(local, "/api/v1/nodes?limit=1"), nodes));
  readings.push_back(store(read_if_allowed(local, "/apis/resources.cattle.io/v1"), types));
  co_await wait_all(std::move(readings));
  BackupOffers offers;
  offers.distribution = distribution_of(text_at(version, "/gitVersion"));
  if (!offers.distribution) {
    offers.distribution =
        distribution_of(text_at(nodes, "/items/0/status/nodeInfo/kubeletVersion"));
  }
  const auto& resources = array_at(types, "/resources");
  offers.backup_operator =
      std::any_of(resources.begin(), resources.end(), [](const json::value& resource) {
        return text_at(resource, "/name") == "backups" && text_at(resource, "/kind") == "Backup";
      });
  co_return offers;
}

}  // namespace retrust
