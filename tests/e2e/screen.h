#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

namespace retrust::e2e {

/// A terminal of a size, which shows what is written to it: text of ASCII, and the few sequences
/// that retrust uses. Lines that leave it at the top are kept.
class Screen {
 public:
  Screen(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), lines_(1) {}

  void write(const std::string& text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto c = text[at];
      if (c == '\x1b') {
        at = sequence(text, at + 1);
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        next_line();
      } else {
        put(c);
      }
    }
  }

  /// Every line that was ever written and not erased.
  const std::vector<std::string>& lines() const { return lines_; }
  /// The most lines that a cursor went up at once.
  std::size_t most_up() const { return most_up_; }

 private:
  std::size_t top() const { return lines_.size() > rows_ ? lines_.size() - rows_ : 0; }

  void next_line() {
    if (++row_ == lines_.size()) lines_.emplace_back();
  }

  void put(char c) {
    if (column_ == columns_) {
      column_ = 0;
      next_line();
    }
    auto& line = lines_[row_];
    if (line.size() <= column_) line.resize(column_ + 1, ' ');
    line[column_++] = c;
  }

  /// Obeys a sequence that begins here, behind ESC. The place of its last character.
  std::size_t sequence(const std::string& text, std::size_t at) {
    std::size_t number = 0;
    if (at < text.size() && text[at] == '[') ++at;
    for (; at < text.size() && (std::isdigit(text[at]) != 0 || text[at] == ';'); ++at) {
      if (text[at] != ';') number = 10 * number + static_cast<std::size_t>(text[at] - '0');
    }
    switch (at < text.size() ? text[at] : '\0') {
      case 'A':
        most_up_ = std::max(most_up_, number);
        row_ -= std::min(std::max<std::size_t>(number, 1), row_ - top());
        break;
      case 'C':
        column_ = std::min(column_ + std::max<std::size_t>(number, 1), columns_ - 1);
        break;
      case 'J':
        for (auto row = row_ + 1; row < lines_.size(); ++row) lines_[row].clear();
        [[fallthrough]];
      case 'K':
        lines_[row_].resize(std::min(lines_[row_].size(), column_));
        break;
      default:
        break;
    }
    return at;
  }

  std::size_t rows_;
  std::size_t columns_;
  std::vector<std::string> lines_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::size_t most_up_ = 0;
};

}  // namespace retrust::e2e
