#pragma once

#include <string>
#include <vector>

namespace retrust {

/// The words, followed by the others.
std::vector<std::string> with_more(std::vector<std::string> words,
                                   const std::vector<std::string>& more);

}  // namespace retrust
