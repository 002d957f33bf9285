#include "base/shortened.h"

#include <algorithm>

#include <fmt/format.h>

namespace retrust {

std::string shortened(std::string_view text, std::size_t limit, std::size_t total, Cut cut) {
  if (text.size() <= limit) return std::string(text);
  auto head = text.substr(0, limit * 2 / 3);
  auto tail = text.substr(text.size() - limit / 3);
  // Whole lines, where they are short enough.
  if (const auto end = head.rfind('\n'); end != std::string_view::npos && end > head.size() / 2) {
    head = head.substr(0, end + 1);
  }
  if (const auto begin = tail.find('\n');
      begin != std::string_view::npos && begin < tail.size() / 2) {
    tail = tail.substr(begin + 1);
  }
  constexpr std::string_view spaces = " \t\r\n";
  const auto is_space = [&](char c) { return spaces.find(c) != std::string_view::npos; };
  if (cut == Cut::between_words) {
    // npos + 1 is 0: a single word goes as a whole.
    head = head.substr(0, head.find_last_of(spaces) + 1);
    if (!is_space(*(tail.data() - 1))) {
      tail.remove_prefix(std::min(tail.find_first_of(spaces), tail.size()));
    }
  }
  // Never half a character.
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (!tail.empty() && continues(tail.front())) tail.remove_prefix(1);
  while (!head.empty() && head.size() < text.size() && continues(text[head.size()])) {
    head.remove_suffix(1);
  }
  return fmt::format("{}{}… {} bytes left out …\n{}", head, head.ends_with('\n') ? "" : "\n",
                     std::max(total, text.size()) - head.size() - tail.size(), tail);
}

}  // namespace retrust
