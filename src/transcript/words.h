#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// The words of a line, between blanks and tabs; they point into it.
std::vector<std::string_view> words_of(std::string_view line);

/// The words, and after them those others.
std::vector<std::string> with_more(std::vector<std::string> words,
                                   const std::vector<std::string>& more);

}  // namespace retrust
