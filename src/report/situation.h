#pragma once

#include <string>

#include "choices/backup_choice.h"
#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// The situation in two sentences: whether Rancher trusts the cluster, and why not. All pure.
std::string situation_text(const Observation& seen);

/// The plan in two sentences: the changes, and the backup of Rancher. Empty if nothing is changed.
std::string planned_text(const Observation& seen, const Plan& plan, const BackupChoice& backup);

}  // namespace retrust
