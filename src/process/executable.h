#pragma once

#include <string_view>

#include "process/process.h"

namespace retrust {

/// The outcome of a command that was never started, and why.
Outcome never_started(Ending why, std::string_view program, std::string_view reason);

/// Whether a path can be executed as far as its file tells: `exited` where it can, otherwise
/// what never_started says.
Outcome check_executable(const std::string& path);

}  // namespace retrust
