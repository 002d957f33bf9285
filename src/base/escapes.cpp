#include "base/escapes.h"

#include <cstdint>
#include <optional>

namespace retrust {
namespace {

constexpr int most_layers = 4;

std::optional<std::uint32_t> hex(std::string_view digits, std::size_t count) {
  if (digits.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, count)) {
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint32_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    value = value * 16 + digit;
  }
  return value;
}

/// What an escape at the start of the text stands for, and its length.
struct Escape {
  char stands_for;
  std::size_t size;
};

std::optional<Escape> hex_escape(std::string_view text, std::size_t lead, std::size_t digits) {
  const auto value = hex(text.substr(lead), digits);
  // Secrets are ASCII.
  if (!value || *value > 0x7F) return std::nullopt;
  return Escape{static_cast<char>(*value), lead + digits};
}

std::optional<Escape> escape_at(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  if (text[0] == '%') return hex_escape(text, 1, 2);
  if (text[0] != '\\') return std::nullopt;
  switch (text[1]) {
    case '/':
    case '"':
    case '\'':
    case '\\':
      return Escape{text[1], 2};
    case 'n':
      return Escape{'\n', 2};
    case 'r':
      return Escape{'\r', 2};
    case 't':
      return Escape{'\t', 2};
    case 'u':
      return hex_escape(text, 2, 4);
    case 'x':
      return hex_escape(text, 2, 2);
    default:
      return std::nullopt;
  }
}

}  // namespace

Unescaped Unescaped::as_it_is(std::string_view text) {
  Unescaped result;
  result.text_ = text;
  return result;
}

bool Unescaped::has_escapes() const {
  if (layer_ == most_layers) return false;
  const std::string_view text(text_);
  for (auto at = text.find_first_of("\\%"); at != std::string_view::npos;
       at = text.find_first_of("\\%", at + 1)) {
    if (escape_at(text.substr(at))) return true;
  }
  return false;
}

Unescaped Unescaped::unescaped() const {
  Unescaped result;
  result.layer_ = layer_ + 1;
  const std::string_view text(text_);
  for (std::size_t at = 0; at < text.size();) {
    const auto escape = escape_at(text.substr(at));
    result.text_ += escape ? escape->stands_for : text[at];
    result.origins_.push_back(origin(at));
    at += escape ? escape->size : 1;
  }
  result.origins_.push_back(origin(text.size()));
  return result;
}

}  // namespace retrust
