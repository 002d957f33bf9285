#pragma once

#include <string_view>

namespace retrust {

/// The version of this program, from meson.build.
inline constexpr std::string_view program_version = RETRUST_PROJECT_VERSION;

}  // namespace retrust
