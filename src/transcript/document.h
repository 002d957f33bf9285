#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// transcript.md, of what happened so far: the verdict, what was run where, a table of the
/// sections, each step with its commands, and what is left to do. Markdown that reads well as plain
/// text, too. Pure; the events are masked already.
std::string document(const std::vector<Event>& events);

/// Where a long text may be cut. Half a secret is not masked, so what is not masked yet is cut
/// between words.
enum class Cut { anywhere, between_words };

/// The text with what is in its middle left out where it has more than `limit` bytes, and how much
/// that was: of `total` bytes where it has been shortened before. Whole lines where there are any.
std::string shortened(std::string_view text, std::size_t limit, std::size_t total = 0,
                      Cut cut = Cut::anywhere);

}  // namespace retrust
