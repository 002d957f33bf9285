#pragma once

#include <string>
#include <string_view>

namespace retrust {

/// The version of this program, from meson.build.
inline constexpr std::string_view program_version = RETRUST_PROJECT_VERSION;

/// The commit that it was built from, as " (v0.2.0-3-g64dbdb5)"; empty outside of a clone.
std::string built_from();

}  // namespace retrust
