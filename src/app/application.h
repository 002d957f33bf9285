#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace retrust {

/// Runs the whole program, called by `path`: reads the options (without the program's name), does
/// what they say, and returns the exit status.
int run_application(std::string_view path, const std::vector<std::string>& args,
                    const Environment& environment);

}  // namespace retrust
