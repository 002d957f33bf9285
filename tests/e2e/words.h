#pragma once

#include <cstddef>
#include <regex>
#include <string>

namespace retrust::e2e {

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How often a part comes in a text.
inline std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A terminal's text as one line, without colours.
inline std::string unwrapped(const std::string& text) {
  return std::regex_replace(std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), ""),
                            std::regex("[ \r\n]+"), " ");
}

}  // namespace retrust::e2e
