#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "observe/observation.h"

namespace retrust {

/// The beginning of a command for a person: kubectl, and the options that lead to the downstream
/// cluster.
std::vector<std::string> downstream_words(const Options& options, const Observation& seen);

/// The same for the local cluster, possibly in a container.
std::vector<std::string> local_words(const Options& options, const Observation& seen);

}  // namespace retrust
