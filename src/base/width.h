#pragma once

#include <cstddef>
#include <string_view>

namespace retrust {

/// How many columns printable UTF-8 text fills: East Asian characters two, combining ones none.
std::size_t width_of(std::string_view text);

/// As much of the beginning as fits into so many columns.
std::string_view fitting(std::string_view text, std::size_t columns);

}  // namespace retrust
