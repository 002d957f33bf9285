#pragma once

#include <cstddef>
#include <string_view>

namespace retrust {

/// A character of UTF-8 text. A length of 0 bytes marks a byte that begins no character.
struct Character {
  char32_t point = 0;
  std::size_t length = 0;
};

/// The first character of a text that is not empty.
Character first_character(std::string_view text);

/// Whether a terminal or browser does not show the character as itself: it steers, reorders, breaks
/// the line, fills no column, or looks as each font decides (private use).
bool is_hidden(char32_t point);

}  // namespace retrust
