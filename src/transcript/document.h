#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// Writes transcript.md from the events so far: the verdict, the run's clusters and programs, a
/// table of the sections, each step with its commands, and the next actions. The Markdown also
/// reads well as plain text. Pure; the events are masked already.
std::string document(const std::vector<Event>& events);

}  // namespace retrust
