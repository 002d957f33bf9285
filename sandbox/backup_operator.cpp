#include "backup_operator.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

const std::string backups = "backups.resources.cattle.io";

json::object condition(const std::string& type, const std::string& status,
                       const std::string& reason, const std::string& message) {
  json::object made;
  made["type"] = type;
  made["status"] = status;
  if (!reason.empty()) made["reason"] = reason;
  if (!message.empty()) made["message"] = message;
  made["lastUpdateTime"] = now_text();
  return made;
}

}  // namespace

std::vector<Resource> backup_operator_resources() {
  const auto resource = [](const std::string& plural, const std::string& singular,
                           const std::string& kind, StatusSubresource status) {
    return Resource{"resources.cattle.io", "v1",  plural, singular, kind, {},
                    Scope::cluster,        status};
  };
  return {resource("backups", "backup", "Backup", StatusSubresource::present),
          resource("resourcesets", "resourceset", "ResourceSet", StatusSubresource::absent),
          resource("restores", "restore", "Restore", StatusSubresource::present)};
}

BackupOperator::BackupOperator(Store& store, Scheduler& scheduler, const Settings& settings,
                               Log& log)
    : store_(store), scheduler_(scheduler), settings_(settings), log_(log) {
  store_.observe([this](const Change& change) {
    if (change.key.resource != backups || change.type != Change::Type::added) return;
    if (settings_.faults.value("backup") == "silent") return;
    scheduler_.after(settings_.delay(500), [this, key = change.key] { work_on(key); });
  });
}

void BackupOperator::add_resource_sets() {
  std::vector<std::string> names;
  if (settings_.backup_operator >= 7) names = {"rancher-resource-set-basic"};
  if (settings_.backup_operator >= 7 && settings_.faults.value("backup") != "basic-only") {
    names.emplace_back("rancher-resource-set-full");
  }
  if (settings_.backup_operator <= 7) names.emplace_back("rancher-resource-set");
  for (const auto& name : names) {
    auto made = bare("resources.cattle.io/v1", "ResourceSet");
    put(made, "/resourceSelectors", json::array{});
    store_.create({"resourcesets.resources.cattle.io", "", name}, std::move(made));
  }
}

void BackupOperator::work_on(const ObjectKey& key) {
  const auto* backup = store_.find(key);
  if (backup == nullptr) return;
  const auto fault = settings_.faults.value("backup");
  const auto set = text_at(*backup, "/spec/resourceSetName");
  if (store_.find({"resourcesets.resources.cattle.io", "", set}) == nullptr) {
    complain(key, fmt::format(R"(resourcesets.resources.cattle.io "{}" not found)", set));
  } else if (fault == "nowhere") {
    complain(key,
             fmt::format("backup {} needs to specify S3 details, or configure storage location "
                         "at the operator level",
                         key.name));
  } else if (fault == "fails") {
    complain(key, "Access Denied.");
  } else if (fault == "fails-once") {
    complain(key, "the server is currently unable to handle the request");
    scheduler_.after(settings_.delay(1000), [this, key] { complete(key); });
  } else {
    complete(key);
  }
}

void BackupOperator::complain(const ObjectKey& key, const std::string& error) {
  auto changed = *store_.find(key);
  put(changed, "/status/conditions",
      json::array{condition("Reconciling", "True", "Error", error),
                  condition("Ready", "Unknown", "", "Retrying")});
  store_.update(key, std::move(changed));
  log_.event("backup-operator", "failed", key.name);
}

void BackupOperator::complete(const ObjectKey& key) {
  const auto* backup = store_.find(key);
  if (backup == nullptr) return;
  const auto* system = store_.find({"namespaces", "", "kube-system"});
  auto changed = *backup;
  auto time = now_text();
  put(changed, "/status/lastSnapshotTs", time);
  for (auto& c : time) c = c == ':' ? '-' : c;
  put(changed, "/status/conditions",
      json::array{condition("Ready", "True", "", "Completed"),
                  condition("Uploaded", "True", "", "")});
  put(changed, "/status/filename",
      fmt::format("{}-{}-{}.tar.gz", key.name, text_at(*system, "/metadata/uid"), time));
  put(changed, "/status/storageLocation", "S3");
  put(changed, "/status/backupType", "One-time");
  store_.update(key, std::move(changed));
  log_.event("backup-operator", "completed", key.name);
}

}  // namespace retrust::sandbox
