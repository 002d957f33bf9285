#pragma once

#include <string>

#include "base/json_stream.h"
#include "base/names.h"

namespace retrust {

/// Trims the downstream cluster's objects. A Secret keeps its data only if they may hold a token,
/// because Helm's releases are large and many. A Pod keeps the fields of parse_pod.
Trim downstream_trim();

/// Trims a Secret to the fields of parse_user_token.
Trim token_trim();
/// Keeps what tells of an event: its reason, message, pod and times.
Trim event_trim();
/// Keeps what tells whether a node takes new pods.
Trim node_trim();

/// Trims a Pod that does not use the old CA (see uses_old_ca in affected.h) to nothing, and another
/// to the fields of WorkloadCount.
Trim old_pod_trim(NamespaceName agents_namespace, std::string since);

/// Trims an APIService to the fields of unavailable() in affected.h.
Trim api_service_trim();

/// Trims an object to its kind and name.
Trim name_trim();

/// Trims an object to its kind and `spec`.
Trim spec_trim();

/// Trims the local cluster's objects. The clusters resource that is wanted, by ID or display name,
/// stays whole. The others, possibly thousands, keep only their names.
Trim local_trim(std::string wanted);

}  // namespace retrust
