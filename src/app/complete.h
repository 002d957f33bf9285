#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace retrust {

/// What becomes of a candidate that was chosen.
enum class Insertion {
  quoted,    ///< the shell's completion quotes what has to be
  verbatim,  ///< it comes to stand in the line as it is, as with kubectl
};

/// The text for a shell: what may stand in the place of the last word. Clusters are asked of the
/// local cluster. Somebody is typing: what fails is not said, and little is waited for.
std::string complete(const std::vector<std::string>& words, Insertion insertion,
                     const Environment& environment);

}  // namespace retrust
