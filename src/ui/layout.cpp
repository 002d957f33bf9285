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

std::vector<std::string> wrapped(std::string_view line, std::size_t columns, std::size_t hanging) {
  std::vector<std::string> lines;
  std::string current;
  auto has_word = false;
  for (std::size_t at = 0; at < line.size();) {
    const auto begin = line.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(line.find(' ', begin), line.size());
    const auto next = line.substr(at, end - at);
    if (has_word && width_of(current) + width_of(next) > columns) {
      lines.push_back(std::move(current));
      current = std::string(hanging, ' ').append(line.substr(begin, end - begin));
    } else {
      current += next;
    }
    has_word = true;
    at = end;
  }
  lines.push_back(std::move(current));
  return lines;
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

std::string wrapped_plan(std::string_view text, std::size_t columns) {
  // Room for some words beside what stands left of them; a terminal of 80 columns has it.
  constexpr std::size_t least = 30;
  std::string result;
  for (const auto& line : split_lines(text)) {
    const auto indent = indent_of(line);
    if (indent == 0 && !line.empty()) {
      // "2.1  delete-token          needed      the reason"
      const auto gap = line.rfind("  ", std::min<std::size_t>(line.size(), 44));
      const auto reason = gap == std::string::npos ? 0 : gap + 2;
      append(result, wrapped(line, columns, reason + least <= columns ? reason : 7));
    } else if (line.compare(indent, 1, "(") == 0) {
      append(result, wrapped(line, columns, indent + 1));
    } else {
      result += line + "\n";
    }
  }
  return result;
}

Advice advice_of(std::string_view text) {
  const auto command = command_in(text);
  if (command == text.size()) return {std::string(text), {}};
  return {std::string(text.substr(0, command - 1)), std::string(text.substr(command))};
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
