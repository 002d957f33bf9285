#pragma once

#include "observe/observation.h"

namespace retrust {

/// Namespace of the Secrets with clusters' tokens (CVE-2021-36782).
inline constexpr const char* credential_namespace = "cattle-global-data";

/// True if Rancher reads this cluster's token from a Secret, and not from the clusters resource:
/// its version does so (2.5.16, 2.6.7 and later; from its source). If the version is unknown, the
/// resource names a Secret.
bool keeps_token_in_secret(const ClusterResource& cluster, const RancherServer& rancher);

}  // namespace retrust
