#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// The word for it in JSON: "not-needed".
std::string_view word_of(Need need);

/// Whether a step comes, or may come.
bool comes(Need need);

/// A plan for people, a step after another. Where the columns are given reasons and notes are
/// wrapped, each below its beginning; commands stay whole.
std::string plan_text(const std::vector<ShownStep>& steps, std::optional<std::size_t> columns = {});

}  // namespace retrust
