#pragma once

#include <string>
#include <string_view>

#include "credentials/secret.h"

namespace retrust::test {

/// A token for a test; a short text is lengthened to what can be one. Empty: none.
inline Secret secret_of(std::string_view text) {
  Redactor redactor;
  std::string token(text);
  if (!token.empty() && token.size() < 16) token.append(16 - token.size(), '.');
  return {redactor, token};
}

}  // namespace retrust::test
