#pragma once

#include <string_view>

namespace retrust {

/// The version of this program, from meson.build.
inline constexpr std::string_view version = RETRUST_PROJECT_VERSION;

}  // namespace retrust
