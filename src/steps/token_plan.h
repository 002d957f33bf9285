#pragma once

#include "steps/plan.h"

namespace retrust {

/// Sections 2.1 and 2.3 of the plan: the agents' token secret, and who makes the next one. Pure.
PlannedStep plan_token_deletion(const Observation& observation, const PlanOptions& options,
                                const Progress& progress);
PlannedStep plan_token_reading(const Observation& observation, const PlanOptions& options,
                               const Progress& progress);

/// A token secret is still to come, so nothing live is final yet.
bool token_is_to_come(const Observation& observation, const PlanOptions& options,
                      const Progress& progress);

}  // namespace retrust
