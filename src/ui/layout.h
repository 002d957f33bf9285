#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/width.h"

namespace retrust {

/// Layout of text for a terminal. Pure: these functions neither write to a terminal nor ask it.

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The text, cut to the columns. `more` marks the end of a cut text.
std::string cut(std::string_view text, std::size_t columns, std::string_view more);

/// Wraps lines of sentences, and indents the further rows of each by 2. A line in columns, with
/// more than one space between words, stays as it is.
std::string wrapped_sentences(std::string_view text, std::size_t columns);

/// Colour of a line that is updated in place. `faint` colours the whole line, the others only its
/// first word, a mark.
enum class Tone { plain, faint, working, good, bad };
struct ToneLine {
  std::string text;
  Tone tone = Tone::plain;
};
enum class Paint { plain, colored };
std::string painted(const ToneLine& line, Paint paint);

/// Draws lines below the cursor, cut to the columns, and returns the cursor to their beginning. The
/// lines then lie below the cursor, however the terminal breaks them after a change of its size.
/// All lines have to fit into the rows.
std::string drawing(const std::vector<ToneLine>& lines, std::size_t columns, std::string_view more,
                    Paint paint);
/// Erases a drawing. Erasing starts behind the first column, because tmux takes an erased first row
/// for a cleared screen, and keeps a copy of it.
constexpr std::string_view erasing = "\r\x1b[C\x1b[J\r\x1b[K";

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view reset = "\x1b[0m";

}  // namespace retrust
