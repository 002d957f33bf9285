#pragma once

#include <cstddef>
#include <string>

#include "process/outcome.h"

namespace retrust {

/// Bytes of a command's output that go into an event: more than is kept of them once secrets are
/// masked. Cut between words, so that none is cut in two by this and then not known.
inline constexpr std::size_t most_output = 64 * 1024;

/// "exit status 1", "killed by signal 9" …: how a command ended, in words.
std::string ending_text(const Outcome& outcome);

/// The last lines of standard error that say something: what came before are often retries.
std::string own_words(const Outcome& outcome);

}  // namespace retrust
