#pragma once

#include <string_view>

#include "base/names.h"
#include "observe/observation.h"

namespace retrust {

/// The service account whose token Rancher should have stored: the account of the stored token if
/// it still exists, else the agents' own. Empty if the stored token's account is gone and the
/// agents report nothing, so that nobody can tell. Pure.
///
/// Rancher makes a token of an account of its own, kontainer-engine, for hosted clusters (EKS, AKS,
/// GKE, Alibaba) and for clusters made with rke (rancher/rancher v2.15.0,
/// pkg/kontainer-engine/drivers/util/utils.go: GenerateServiceAccountToken).
ObjectName live_account(const Observation& seen, const NamespaceName& name_space);

/// True if the live account is another one than the agents': no agent reports its token, and nobody
/// but Rancher or retrust makes one. Pure.
bool is_ranchers_own(const Observation& seen);

/// Name of the live account for sentences. Pure.
std::string_view account_text(const Observation& seen);

/// One sentence about who renews these credentials if retrust does not. Empty for the agents'
/// account. Pure.
std::string who_rotates(const Observation& seen);

}  // namespace retrust
