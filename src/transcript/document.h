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

}  // namespace retrust
