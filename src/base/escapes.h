#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// A text without the escapes of JSON, Go, C and URLs, which knows where each byte came from.
class Unescaped {
 public:
  static Unescaped as_it_is(std::string_view text);

  const std::string& text() const { return text_; }
  /// Offset in the original text of a byte, or of the end, of this one.
  std::size_t origin(std::size_t offset) const {
    return origins_.empty() ? offset : origins_[offset];
  }
  /// True if unescaped() would differ. False after a few layers: nobody escapes more often.
  bool has_escapes() const;
  /// The text with one layer of `\/`, `\"`, `\u002b`, `\x2b` and `%2B` resolved.
  Unescaped unescaped() const;

 private:
  std::string text_;
  std::vector<std::size_t> origins_;  ///< empty: the same offsets
  int layer_ = 0;
};

}  // namespace retrust
