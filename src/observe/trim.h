#pragma once

#include <string>

#include "base/json_stream.h"

namespace retrust {

/// What is left of the downstream cluster's objects: of a Secret its data only where it may be a
/// token's, as the releases of Helm are large and many; of a Pod what parse_pod reads.
Trim downstream_trim();

/// Of a Secret with a token what parse_own_token reads.
Trim token_trim();

/// Of a Pod its `spec` alone, and of anything its kind.
Trim spec_trim();

/// What is left of the local cluster's objects: the clusters resource that is wanted, by ID or
/// display name, and the names of the others, of which there may be thousands.
Trim local_trim(std::string wanted);

}  // namespace retrust
