#pragma once

#include <string>

#include "runbook/observation.h"
#include "runbook/plan.h"
#include "transcript/failure.h"

namespace retrust {

/// Throws Failure (refused) where the observation shows that these are not the right clusters, or
/// that the procedure would do harm or cannot work. Pure; nothing overrides it.
void check_right_clusters(const Observation& observation);

/// Throws Failure (refused) where a backup that was chosen may not fit.
void check_room(const Observation& observation);

/// As above, for what matters only to somebody who is about to change things: permissions, secrets
/// that new agents need, a cluster that still hands out the old CA.
void check_may_change(const Observation& observation, const Plan& plan);

}  // namespace retrust
