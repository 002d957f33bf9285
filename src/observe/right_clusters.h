#pragma once

#include "observe/observation.h"

namespace retrust {

/// Throws Failure (refused) where the observation shows that these are not the right clusters, or
/// that the procedure would do harm or cannot work. Pure; nothing overrides it.
void check_right_clusters(const Observation& observation);

/// Throws Failure (refused) where the live token's secret and kube-root-ca.crt hold different CAs,
/// as for a moment after a renewal.
void check_one_ca(const Observation& observation);

}  // namespace retrust
