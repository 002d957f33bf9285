#include "transcript/plan_text.h"

#include <fmt/format.h>

#include "base/width.h"

namespace retrust {
namespace {

std::string_view shown(const ShownStep& step) {
  switch (step.need) {
    case Need::not_needed:
      return "not needed";
    case Need::depends:
      return "if needed";
    default:
      return word_of(step.need);
  }
}

}  // namespace

std::string_view word_of(Need need) {
  switch (need) {
    case Need::needed:
      return "needed";
    case Need::reads:
      return "reads";
    case Need::not_needed:
      return "not-needed";
    case Need::depends:
      return "depends";
    case Need::skipped:
      return "skipped";
    case Need::waived:
      return "waived";
  }
  return "unknown";
}

bool comes(Need need) {
  return need == Need::needed || need == Need::reads || need == Need::depends;
}

std::string plan_text(const std::vector<ShownStep>& steps, std::optional<std::size_t> columns) {
  // Least room for text beside the columns on its left. A terminal of 80 columns has more.
  constexpr std::size_t least = 30;
  constexpr std::size_t indent = 7;
  std::string text;
  const auto add = [&](const std::string& line, std::size_t hanging) {
    if (!columns) {
      text += line + "\n";
    } else {
      for (const auto& row : wrapped(line, *columns, hanging)) text += row + "\n";
    }
  };
  for (const auto& step : steps) {
    const auto head = fmt::format("{}  {:<20}  {:<10}  ", step.section, step.name, shown(step));
    const auto beside = columns && width_of(head) + least <= *columns;
    add(head + step.reason, beside ? width_of(head) : indent);
    if (!comes(step.need)) continue;
    for (const auto& command : step.commands) text += fmt::format("       {}\n", command);
    for (const auto& note : step.notes) add(fmt::format("       ({})", note), indent + 1);
  }
  return text;
}

}  // namespace retrust
