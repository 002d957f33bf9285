#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace retrust {

/// Treatment of a chosen candidate.
enum class Insertion {
  quoted,    ///< the shell's completion quotes what has to be
  verbatim,  ///< it comes to stand in the line as it is, as with kubectl
};

/// Completes the last word and returns the text for a shell. Clusters are asked of the
/// local cluster. Somebody is typing: what fails is not said, and little is waited for.
std::string complete(const std::vector<std::string>& words, Insertion insertion,
                     const Environment& environment);

}  // namespace retrust
