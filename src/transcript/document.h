#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transcript/account.h"
#include "transcript/event.h"

namespace retrust {

/// Writes transcript.md from the events so far: the verdict, the run's clusters and programs, a
/// table of the sections, each step with its commands, and the next actions. The Markdown also
/// reads well as plain text. Pure; the events are masked already.
std::string document(const std::vector<Event>& events);

/// Parts of transcript.md that summary.md has, too. Pure.
std::string verdict_text(const Account& account);
std::string head_text(const Account& account);
std::string parts_text(const Account& account);
std::string left_to_do_text(const Account& account);
std::string other_commands_text(const Account& account);

}  // namespace retrust
