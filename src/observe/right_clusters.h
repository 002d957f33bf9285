#pragma once

#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// Throws Failure (refused) if the observation shows the wrong clusters, or that the procedure
/// would do harm or cannot work. Pure; no option overrides the refusal.
void check_right_clusters(const Observation& observation);

/// Throws Failure (refused) if Rancher is deleting the clusters resource. Pure.
void check_stays(const Observation& observation);

/// Throws Failure (refused) if the agents connect to another clusters resource, or to another
/// Rancher: a repair of this record would connect nothing. Pure.
void check_registration(const Observation& observation);

/// Throws Failure (refused) if the live token's secret and kube-root-ca.crt hold different CAs.
/// They do for a moment after a renewal. Names the one that is behind. Pure.
void check_one_ca(const Observation& observation, const KubectlLine& downstream_kubectl);

}  // namespace retrust
