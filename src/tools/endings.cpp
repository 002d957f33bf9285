#include "tools/endings.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/shortened.h"
#include "base/text.h"

namespace retrust {

std::string ending_text(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::exited:
      return fmt::format("exit status {}", outcome.code);
    case Ending::signalled:
      return fmt::format("killed by signal {}", outcome.code);
    case Ending::stopped:
      return "ended by retrust: seen enough";
    case Ending::timed_out:
      return "ended at its deadline";
    case Ending::output_limit:
      return "ended: printed too much";
    case Ending::interrupted:
      return "interrupted";
    case Ending::not_found:
      return "no such program";
    case Ending::not_executable:
      return "cannot be run";
    case Ending::no_resources:
      return "not started: the system has no room for another process";
  }
  return {};
}

std::string own_words(const Outcome& outcome) {
  auto lines = split_lines(outcome.err);
  std::erase_if(lines, [](const std::string& line) { return line.empty(); });
  constexpr std::size_t shown = 6;
  if (lines.size() > shown) lines.erase(lines.begin(), lines.end() - shown);
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  if (!text.empty()) text.pop_back();
  return shortened(text, most_output, 0, Cut::between_words);
}

}  // namespace retrust
