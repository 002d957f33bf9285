#pragma once

#include "steps/plan.h"

namespace retrust {

/// Whether any other step will or may change something: otherwise there is nothing to save for.
enum class Changes { none, ahead };

/// Section 1 of the plan. Pure.
PlannedStep plan_container_backup(const Observation& observation, const PlanOptions& options,
                                  const Progress& progress, Changes changes);
PlannedStep plan_etcd_backup(const Observation& observation, const PlanOptions& options,
                             const Progress& progress, Changes changes);

}  // namespace retrust
