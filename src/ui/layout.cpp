#include "ui/layout.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "base/width.h"

namespace retrust {
namespace {

std::size_t indent_of(std::string_view line) {
  const auto first = line.find_first_not_of(' ');
  return first == std::string_view::npos ? line.size() : first;
}

void append(std::string& text, const std::vector<std::string>& lines) {
  for (const auto& line : lines) text += line + "\n";
}

}  // namespace

std::string cut(std::string_view text, std::size_t columns, std::string_view more) {
  if (width_of(text) <= columns) return std::string(text);
  const auto room = columns - std::min(columns, width_of(more));
  return fmt::format("{}{}", fitting(text, room), fitting(more, columns));
}

std::string wrapped_sentences(std::string_view text, std::size_t columns) {
  std::string result;
  for (const auto& line : split_lines(text)) {
    const auto indent = indent_of(line);
    if (line.find("  ", indent) != std::string::npos) {
      result += line + "\n";
    } else {
      append(result, wrapped(line, columns, indent + 2));
    }
  }
  return result;
}

std::string painted(const ToneLine& line, Paint paint) {
  if (paint == Paint::plain || line.tone == Tone::plain) return line.text;
  if (line.tone == Tone::faint) return fmt::format("{}{}{}", dim, line.text, reset);
  const auto color = line.tone == Tone::good ? green : line.tone == Tone::bad ? red : bold;
  const auto mark = std::min(line.text.find(' '), line.text.size());
  return fmt::format("{}{}{}{}", color, line.text.substr(0, mark), reset, line.text.substr(mark));
}

std::string drawing(const std::vector<ToneLine>& lines, std::size_t columns, std::string_view more,
                    Paint paint) {
  std::string text(erasing);
  if (lines.empty()) return text;
  for (const auto& line : lines) {
    if (&line != &lines.front()) text += "\r\n";
    text += painted({cut(line.text, columns, more), line.tone}, paint);
  }
  if (lines.size() > 1) text += fmt::format("\x1b[{}A", lines.size() - 1);
  return text + "\r";
}

}  // namespace retrust
