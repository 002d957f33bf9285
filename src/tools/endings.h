#pragma once

#include <cstddef>
#include <string>

#include "process/outcome.h"

namespace retrust {

/// Limit in bytes of a command's output in an event: more than the event keeps once secrets are
/// masked. The cut is between words, so that every secret stays whole and known.
inline constexpr std::size_t most_output = 64 * 1024;

/// The ending of a command in words, e.g. "exit status 1" or "killed by signal 9".
std::string ending_text(const Outcome& outcome);

/// The last lines of standard error with content. Earlier lines are often retries.
std::string own_words(const Outcome& outcome);

}  // namespace retrust
