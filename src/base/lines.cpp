#include "base/lines.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace retrust {

void LineSplitter::feed(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    keep(piece.substr(0, end));
    if (end == std::string_view::npos) return;
    give();
    piece.remove_prefix(end + 1);
  }
}

void LineSplitter::finish() {
  if (!line_.empty()) give();
}

void LineSplitter::keep(std::string_view part) {
  const auto room = longest_line - line_.size();
  line_ += part.substr(0, room);
  cut_ = cut_ || part.size() > room;
}

void LineSplitter::give() {
  if (cut_) {
    // The last word may be the beginning of a secret, which nothing recognises any more.
    const auto blank = line_.find_last_of(" \t");
    line_.erase(blank == std::string::npos ? 0 : blank);
    line_ += cut_mark;
  }
  on_line_(line_);
  line_.clear();
  cut_ = false;
}

void for_each_line(std::string_view text, const LineSplitter::OnLine& on_line) {
  LineSplitter lines(on_line);
  lines.feed(text);
  lines.finish();
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n')).substr(0, longest_line);
}

std::string_view last_line(std::string_view text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return {};
  text = text.substr(0, last + 1);
  return text.substr(text.rfind('\n') + 1).substr(0, longest_line);
}

std::string_view column(std::string_view line, std::size_t index) {
  constexpr std::string_view blanks = " \t";
  for (std::size_t at = 0; (at = line.find_first_not_of(blanks, at)) != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(blanks, at), line.size());
    if (index-- == 0) return line.substr(at, end - at);
    at = end;
  }
  return {};
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace retrust
