#include "fuzz/checks.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace retrust::fuzz {
namespace {

namespace json = boost::json;

struct Range {
  char32_t first;
  char32_t last;
};

/// Control characters but for tab and line end, and what reorders or divides a line.
constexpr std::array steering{Range{0x00, 0x08},      Range{0x0B, 0x1F},     Range{0x7F, 0x9F},
                              Range{0xAD, 0xAD},      Range{0x34F, 0x34F},   Range{0x61C, 0x61C},
                              Range{0x200B, 0x200F},  Range{0x2028, 0x202E}, Range{0x2060, 0x206F},
                              Range{0xFE00, 0xFE0F},  Range{0xFEFF, 0xFEFF}, Range{0xFFF9, 0xFFFB},
                              Range{0xE0000, 0xE0FFF}};

/// Calls `check` with every character of well-formed UTF-8.
template <typename Check>
bool every_character(std::string_view text, Check check) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t character = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      character = (character << 6U) | (static_cast<std::uint8_t>(text[at + i]) & 0x3FU);
    }
    if (!check(character)) return false;
    at += length;
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  boost::system::error_code wrong;
  json::parse(json::serialize(json::string(text)), wrong);
  return !wrong;
}

bool is_printable(std::string_view text) {
  return is_utf8(text) && every_character(text, [](char32_t character) {
           return std::none_of(steering.begin(), steering.end(), [&](const Range& range) {
             return character >= range.first && character <= range.last;
           });
         });
}

bool is_one_line(std::string_view text) {
  return text.find_first_of("\n\t") == std::string_view::npos && is_printable(text);
}

std::optional<json::value> parsed(std::string_view input) {
  boost::system::error_code wrong;
  auto value = json::parse(input, wrong);
  if (wrong) return std::nullopt;
  return value;
}

void in_pieces(std::string_view text, const std::function<void(std::string_view)>& on_piece) {
  auto state = static_cast<std::uint32_t>(text.size());
  while (!text.empty()) {
    state = state * 1664525U + 1013904223U;  // Numerical Recipes' generator
    const auto size = std::min<std::size_t>(text.size(), 1 + (state >> 16U) % 7);
    on_piece(text.substr(0, size));
    text.remove_prefix(size);
  }
}

std::pair<std::string_view, std::string_view> halves(std::string_view input,
                                                     std::string_view separator) {
  const auto at = input.find(separator);
  if (at == std::string_view::npos) return {input, {}};
  return {input.substr(0, at), input.substr(at + separator.size())};
}

}  // namespace retrust::fuzz
