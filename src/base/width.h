#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// Columns of printable UTF-8 text: East Asian characters fill two, combining characters none.
std::size_t width_of(std::string_view text);

/// The beginning of a text, as far as it fits into a number of columns.
std::string_view fitting(std::string_view text, std::size_t columns);

/// A line broken between words, so that each but those of one long word fits. All but the first
/// are indented by so many columns.
std::vector<std::string> wrapped(std::string_view line, std::size_t columns, std::size_t hanging);

}  // namespace retrust
