#pragma once

#include <cstddef>
#include <string_view>

namespace retrust {

/// Columns of printable UTF-8 text: East Asian characters fill two, combining characters none.
std::size_t width_of(std::string_view text);

/// The beginning of a text, as far as it fits into a number of columns.
std::string_view fitting(std::string_view text, std::size_t columns);

}  // namespace retrust
