#include "observe/operator_backup.h"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;

const json::value* condition_of(const json::value& object, std::string_view type) {
  const auto& conditions = array_at(object, "/status/conditions");
  const auto* found = std::find_if(conditions.begin(), conditions.end(), [&](const auto& each) {
    return text_at(each, "/type") == type;
  });
  return found == conditions.end() ? nullptr : found;
}

bool is_true(const json::value* condition) {
  return condition != nullptr && text_at(*condition, "/status") == "True";
}

}  // namespace

// rancher/backup-restore-operator v11.0.1, pkg/controllers/backup/controller.go: OnBackupChange
// writes all of these at once when the file is stored, and takes the other conditions away.
// setReconcilingCondition tells an error, once for each text, and the operator tries again. The
// same in v1.0.0.
OperatorBackup parse_operator_backup(const json::value& backup) {
  OperatorBackup parsed;
  parsed.uid = text_at(backup, "/metadata/uid");
  parsed.file = text_at(backup, "/status/filename");
  parsed.location = text_at(backup, "/status/storageLocation");
  const auto* reconciling = condition_of(backup, "Reconciling");
  if (is_true(reconciling)) parsed.trouble = text_at(*reconciling, "/message");
  parsed.complete = is_true(condition_of(backup, "Ready")) && !is_true(reconciling) &&
                    !parsed.file.empty() && !text_at(backup, "/status/lastSnapshotTs").empty();
  return parsed;
}

// rancher/backup-restore-operator v11.0.1, pkg/util/util.go: PVBackup, S3Backup.
std::string stored_text(const OperatorBackup& backup) {
  if (backup.location == "PV") return fmt::format("{} on the operator's volume", backup.file);
  if (backup.location == "S3") return fmt::format("{} in S3", backup.file);
  return backup.location.empty() ? backup.file.str()
                                 : fmt::format("{} in {}", backup.file, backup.location);
}

json::object operator_backup(const ObjectName& name, const ObjectName& resource_set) {
  json::object backup;
  backup["apiVersion"] = "resources.cattle.io/v1";
  backup["kind"] = "Backup";
  backup["metadata"].emplace_object()["name"] = name.text();
  backup["spec"].emplace_object()["resourceSetName"] = resource_set.text();
  return backup;
}

// rancher/backup-restore-operator, charts/rancher-backup/templates: up to v6 there is
// rancher-resource-set. From v7.0.0 on there are -full and -basic, which leaves Secrets out; v7 has
// the old one too, and v8 does not.
ObjectName whole_resource_set(const json::value& list) {
  constexpr std::array<std::string_view, 2> best_first{"rancher-resource-set-full",
                                                       "rancher-resource-set"};
  const auto sets = items_of(list, "ResourceSet");
  for (const auto name : best_first) {
    const auto found = std::any_of(sets.begin(), sets.end(), [&](const json::value* set) {
      return text_at(*set, "/metadata/name") == name;
    });
    if (found) return name;
  }
  return {};
}

}  // namespace retrust
