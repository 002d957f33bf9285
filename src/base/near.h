#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// Known words that resemble the one typed, nearest first, three at most: few edits
/// away, or one contains the other.
std::vector<std::string> near_ones(std::string_view word, const std::vector<std::string>& known);

}  // namespace retrust
