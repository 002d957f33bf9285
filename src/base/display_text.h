#pragma once

#include <concepts>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace retrust {

/// Text from outside as one printable line of at most `limit` bytes. Whole characters are kept, and
/// `…` marks a cut. The last word before a cut goes too: half a secret would not be masked.
std::string display_text(std::string_view text, std::size_t limit);

/// Text from a cluster or a child that is fit to be shown from the moment when it is read: see
/// display_text.
class DisplayText {
 public:
  /// Bytes; enough for a name, a reason or a message.
  static constexpr std::size_t default_limit = 512;

  DisplayText() = default;
  // Implicit, so that what is read becomes safe without a word at each place of reading.
  DisplayText(std::string_view text) : text_(display_text(text, default_limit)) {}
  DisplayText(const std::string& text) : DisplayText(std::string_view(text)) {}
  DisplayText(const char* text) : DisplayText(std::string_view(text)) {}
  DisplayText(std::string_view text, std::size_t limit) : text_(display_text(text, limit)) {}

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  operator const std::string&() const { return text_; }
  operator std::string_view() const { return text_; }

  friend bool operator==(const DisplayText&, const DisplayText&) = default;
  friend auto operator<=>(const DisplayText&, const DisplayText&) = default;
  /// Compares with the plain text. Text that is not fit to be shown equals nothing.
  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const DisplayText& left, const Text& right) {
    return left.text_ == std::string_view(right);
  }

  template <std::convertible_to<std::string_view> Text>
  friend std::string operator+(const Text& left, const DisplayText& right) {
    return std::string(std::string_view(left)) + right.text_;
  }
  template <std::convertible_to<std::string_view> Text>
  friend std::string operator+(const DisplayText& left, const Text& right) {
    return left.text_ + std::string(std::string_view(right));
  }
  friend std::ostream& operator<<(std::ostream& stream, const DisplayText& text) {
    return stream << text.text_;
  }

 private:
  std::string text_;
};

/// The texts as plain ones, for sentences.
inline std::vector<std::string> texts_of(const std::vector<DisplayText>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace retrust

template <>
struct fmt::formatter<retrust::DisplayText> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const retrust::DisplayText& text, Context& context) const {
    return fmt::formatter<std::string_view>::format(std::string_view(text), context);
  }
};
