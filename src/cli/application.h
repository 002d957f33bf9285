#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace retrust {

/// The whole program: reads the options (without the program's name), does what they say, and
/// returns the exit status.
int run_application(const std::vector<std::string>& args, const Environment& environment);

}  // namespace retrust
