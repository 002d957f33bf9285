#include "ids.h"

#include <string_view>

#include "base/encoding.h"

namespace retrust::sandbox {

std::string made_letters(const std::string& text, std::size_t length) {
  constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  const auto digest = sha256_hex(text);
  std::string result;
  for (std::size_t i = 0; i < length; ++i) {
    const auto number = std::stoul(digest.substr(3 * i, 3), nullptr, 16);
    result += alphabet[number % alphabet.size()];
  }
  return result;
}

std::string made_id(const std::string& text, Origin origin) {
  return origin == Origin::provisioning ? "c-m-" + made_letters(text, 8)
                                        : "c-" + made_letters(text, 5);
}

}  // namespace retrust::sandbox
