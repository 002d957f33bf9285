#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace retrust {

/// Prints ID and display name of each cluster that Rancher manages, a tab between them. Somebody is
/// typing: what fails is not said, and nothing is waited for longer than two seconds.
int complete_clusters(const std::vector<std::string>& args, const Environment& environment);

}  // namespace retrust
