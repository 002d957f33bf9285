#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace retrust {

/// A duration as kubectl takes it: "90s", "5m", "1h30m", "500ms". Nothing where it is none.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace retrust
