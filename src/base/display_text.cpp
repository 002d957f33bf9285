#include "base/display_text.h"

#include <algorithm>

#include "base/characters.h"
#include "base/text.h"

namespace retrust {
namespace {

constexpr std::string_view ellipsis = "…";

/// Without the word at the end, where a cut may have divided it. Secrets are printable ASCII
/// without spaces, so every other character ends a word.
std::string_view whole_words(std::string_view text) {
  const auto in_word = [](char c) { return c > ' ' && c < '\x7F'; };
  while (!text.empty() && in_word(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string display_text(std::string_view text, std::size_t limit) {
  // A character that is not shown becomes one byte, so four times as much is enough to look at.
  const auto looked_at = text.substr(0, 4 * (limit + 1));
  auto line = one_line(looked_at);
  if (line.size() <= limit && looked_at.size() == text.size()) return line;
  std::size_t kept = 0;
  const auto room = limit - std::min(limit, ellipsis.size());
  while (kept < line.size()) {
    const auto length = first_character(std::string_view(line).substr(kept)).length;
    if (kept + length > room) break;
    kept += length;
  }
  line.resize(whole_words(std::string_view(line).substr(0, kept)).size());
  return line.append(ellipsis);
}

}  // namespace retrust
