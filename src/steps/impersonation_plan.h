#pragma once

#include "steps/plan.h"

namespace retrust {

/// Section 3.2, which Rancher's documentation does not have: it is needed where it was asked for
/// and something is rejected.
PlannedStep plan_impersonation_repair(const Observation& observation, const PlanOptions& options,
                                      const Progress& progress);

}  // namespace retrust
