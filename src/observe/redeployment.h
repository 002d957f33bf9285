#pragma once

#include <string>

#include "observe/observation.h"

namespace retrust {

/// The service account in the downstream cluster as which Rancher deploys its agents there: that of
/// its own user for the cluster, system://ID (rancher/rancher v2.15.0, pkg/systemaccount/
/// systemaccount.go: GetSystemUser; v2.4.0 to v2.15.0, pkg/auth/providers/common/usermanager.go:
/// EnsureUser; pkg/impersonation/impersonation.go). Pure.
ObjectName system_account(const ClusterId& id);

/// The annotation of a clusters resource that makes Rancher deploy its agents again: "true".
/// Rancher writes "false" when it has done so (rancher/rancher v2.4.0 and later,
/// pkg/controllers/management/ clusterdeploy/clusterdeploy.go).
inline constexpr std::string_view force_deploy = "io.cattle.agent.force.deploy";

/// True if the agents need a registration token that Rancher knows, and Rancher can bring them one
/// through the tunnel that stands. Pure.
bool rancher_redeploys(const Observation& seen);

/// True if no agent is connected, and none can connect again with its registration token. Pure.
bool is_cut_off(const Observation& seen);

}  // namespace retrust
