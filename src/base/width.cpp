#include "base/width.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace retrust {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

/// Unicode's wide and full-width characters. wcwidth() would depend on the locale.
constexpr std::array<Range, 14> wide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0x4DBF},
                                      {0x4E00, 0xA4CF},
                                      {0xA960, 0xA97F},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF01, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1F64F},
                                      {0x1F680, 0x1F6FF},
                                      {0x1F900, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};
/// Characters that fill no column of their own: the combining ones, in the main.
constexpr std::array<Range, 11> narrow{{{0x0300, 0x036F},
                                        {0x0483, 0x0489},
                                        {0x0591, 0x05BD},
                                        {0x0610, 0x061A},
                                        {0x064B, 0x065F},
                                        {0x1AB0, 0x1AFF},
                                        {0x200B, 0x200D},
                                        {0x20D0, 0x20FF},
                                        {0xFE00, 0xFE0F},
                                        {0xFE20, 0xFE2F},
                                        {0xFEFF, 0xFEFF}}};

bool in(char32_t point, const auto& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return point >= range.first && point <= range.last;
  });
}

/// Takes the first character off the text, which is well-formed, and returns its width.
std::size_t take_character(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  char32_t point = lead < 0x80   ? lead
                   : lead < 0xE0 ? lead & 0x1FU
                                 : lead & (lead < 0xF0 ? 0xFU : 7U);
  std::size_t length = 1;
  while (length < text.size() && (static_cast<std::uint8_t>(text[length]) & 0xC0U) == 0x80U) {
    point = (point << 6U) | (static_cast<std::uint8_t>(text[length++]) & 0x3FU);
  }
  text.remove_prefix(length);
  return in(point, wide) ? 2 : in(point, narrow) ? 0 : 1;
}

}  // namespace

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) width += take_character(text);
  return width;
}

std::string_view fitting(std::string_view text, std::size_t columns) {
  auto rest = text;
  std::size_t used = 0;
  while (!rest.empty()) {
    auto behind = rest;
    used += take_character(behind);
    if (used > columns) break;
    rest = behind;
  }
  return text.substr(0, text.size() - rest.size());
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

}  // namespace retrust
