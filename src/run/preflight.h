#pragma once

#include <string>

#include "base/failure.h"
#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Throws Failure (refused) where the observation shows that these are not the right clusters, or
/// that the procedure would do harm or cannot work. Pure; nothing overrides it.
void check_right_clusters(const Observation& observation);

/// Throws Failure (refused) where the live token's secret and kube-root-ca.crt hold different CAs,
/// as for a moment after a renewal.
void check_one_ca(const Observation& observation);

/// Throws Failure (refused) where the token says itself that it is of another account than the
/// agents' in that namespace: it is not stored in Rancher.
void check_token_owner(const TokenSecret& secret, const PlanOptions& options);

/// Throws Failure (refused) where the backup that this step makes may not fit, or would overwrite
/// another.
void check_backup(const Observation& observation, Step step);

/// As above, for what matters only to somebody who is about to change things: permissions, secrets
/// that new agents need, a cluster that still hands out the old CA.
void check_may_change(const Observation& observation, const Plan& plan);

}  // namespace retrust
