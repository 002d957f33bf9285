#include "base/characters.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace retrust {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

/// Unicode 14.0.0: General_Category Cc, Cf, Zl, Zp and Co (UnicodeData.txt),
/// Default_Ignorable_Code_Point (DerivedCoreProperties.txt) and Noncharacter_Code_Point
/// (PropList.txt). The C library's isprint() would depend on the locale.
constexpr std::array<Range, 43> hidden{
    {{0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},
     {0x0600, 0x0605},   {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},
     {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x115F, 0x1160},   {0x17B4, 0x17B5},
     {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
     {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},   {0xFE00, 0xFE0F},
     {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},
     {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x13438}, {0x1BCA0, 0x1BCA3},
     {0x1D173, 0x1D17A}, {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF}, {0x3FFFE, 0x3FFFF},
     {0x4FFFE, 0x4FFFF}, {0x5FFFE, 0x5FFFF}, {0x6FFFE, 0x6FFFF}, {0x7FFFE, 0x7FFFF},
     {0x8FFFE, 0x8FFFF}, {0x9FFFE, 0x9FFFF}, {0xAFFFE, 0xAFFFF}, {0xBFFFE, 0xBFFFF},
     {0xCFFFE, 0xCFFFF}, {0xDFFFE, 0xE0FFF}, {0xEFFFE, 0x10FFFF}}};

}  // namespace

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  Character found;
  if (lead >= 0xC2 && lead <= 0xDF) {
    found = {lead & 0x1FU, 2};
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    found = {lead & 0x0FU, 3};
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    found = {lead & 0x07U, 4};
  }
  if (found.length == 0 || text.size() < found.length) return {};
  for (std::size_t i = 1; i < found.length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    found.point = (found.point << 6U) | (byte(i) & 0x3FU);
  }
  const auto overlong =
      (found.length == 3 && found.point < 0x800) || (found.length == 4 && found.point < 0x10000);
  const auto surrogate = found.point >= 0xD800 && found.point <= 0xDFFF;
  return overlong || surrogate || found.point > 0x10FFFF ? Character{} : found;
}

bool is_hidden(char32_t point) {
  const auto after =
      std::upper_bound(hidden.begin(), hidden.end(), point,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return after != hidden.begin() && point <= std::prev(after)->last;
}

}  // namespace retrust
