#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// Word for a need in JSON: "not-needed".
std::string_view word_of(Need need);

/// True if a step comes or may come.
bool comes(Need need);

/// A plan for people, step by step. If `columns` is given, reasons and notes are wrapped below
/// their beginning, and commands stay whole.
std::string plan_text(const std::vector<ShownStep>& steps, std::optional<std::size_t> columns = {});

}  // namespace retrust
