#include "transcript/markdown.h"

#include <algorithm>

#include <fmt/format.h>

#include "transcript/width.h"

namespace retrust {
std::string fenced(std::string_view content, std::string_view language) {
  std::size_t longest = 0;
  std::size_t current = 0;
  for (const char c : content) {
    current = c == '`' ? current + 1 : 0;
    longest = std::max(longest, current);
  }
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  std::string block = fence + std::string(language) + "\n" + std::string(content);
  if (!block.ends_with('\n')) block += '\n';
  return block + fence + "\n";
}

std::string inline_text(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  while (text.ends_with('\n')) text.remove_suffix(1);
  for (const char c : text) {
    if (std::string_view("\\`*_<>[]#|{}").find(c) != std::string_view::npos) result += '\\';
    result += c == '\n' || c == '\t' ? ' ' : c;
  }
  return result;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  const auto last = rows.front().size() - 1;
  std::vector<std::size_t> widths(last + 1, 3);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < last; ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < last; ++i) {
      text +=
          fmt::format("| {}{} ", rows[r][i], std::string(widths[i] - width_of(rows[r][i]), ' '));
    }
    text += fmt::format("| {}{}|\n", rows[r][last], rows[r][last].empty() ? "" : " ");
    if (r > 0) continue;
    for (const auto width : widths) text += fmt::format("|{}", std::string(width + 2, '-'));
    text += "|\n";
  }
  return text;
}

}  // namespace retrust
