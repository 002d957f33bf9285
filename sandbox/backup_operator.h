#pragma once

#include <string>
#include <vector>

#include "log.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// The Rancher backup operator in Rancher's own cluster: makes a file of each Backup, and says so
/// in its status. From rancher/backup-restore-operator v11.0.1,
/// pkg/controllers/backup/controller.go.
class BackupOperator {
 public:
  BackupOperator(Store& store, Scheduler& scheduler, const Settings& settings, Log& log);

  /// Adds the resource sets of its chart. From charts/rancher-backup/templates of its tags: -full
  /// and -basic from v7.0.0 on, the old one up to v7.
  void add_resource_sets();

 private:
  void work_on(const ObjectKey& key);
  void complain(const ObjectKey& key, const std::string& error);
  void complete(const ObjectKey& key);

  Store& store_;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
};

/// What its chart adds to the API.
std::vector<Resource> backup_operator_resources();

}  // namespace retrust::sandbox
