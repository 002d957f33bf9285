#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/width.h"

namespace retrust {

/// How text fits on a terminal. Pure: nothing here writes to one, or asks it.

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The text, or as much of its beginning as fits with the sign that there is more.
std::string cut(std::string_view text, std::size_t columns, std::string_view more);

/// Lines of sentences, each wrapped and hung a little deeper than it begins. What is laid out in
/// columns, with more than one space between words, stays as it is.
std::string wrapped_sentences(std::string_view text, std::size_t columns);

/// A line that is brought up to date in place. What is faint is so as a whole; of others the first
/// word, a mark, carries the colour.
enum class Tone { plain, faint, working, good, bad };
struct ToneLine {
  std::string text;
  Tone tone = Tone::plain;
};
enum class Paint { plain, colored };
std::string painted(const ToneLine& line, Paint paint);

/// Draws lines below the cursor, cut to so many columns, and puts it back to where it was, at their
/// beginning: however the terminal breaks them when its size changes, they lie below
/// the cursor. All have to fit into the rows that there are.
std::string drawing(const std::vector<ToneLine>& lines, std::size_t columns, std::string_view more,
                    Paint paint);
/// Takes away what was drawn. Not from the first column on: tmux takes that, in the first row, for
/// a screen that is cleared, and keeps a copy of it.
constexpr std::string_view erasing = "\r\x1b[C\x1b[J\r\x1b[K";

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view reset = "\x1b[0m";

}  // namespace retrust
