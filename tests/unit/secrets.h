#pragma once

#include <string>
#include <string_view>

#include "base/encoding.h"
#include "credentials/secret.h"

namespace retrust::test {

/// A JWT as Kubernetes makes them, with a signature of the size of ES256's.
inline std::string jwt(std::string_view header, std::string_view claims) {
  return base64url_encode(header) + "." + base64url_encode(claims) + "." +
         base64url_encode(std::string(64, '\x5a'));
}

/// A JWT that tells its subject; each mark makes another one.
inline std::string jwt_of(std::string_view mark) {
  return jwt(R"({"alg":"ES256"})", R"({"sub":")" + std::string(mark) + R"("})");
}

/// The token jwt_of(mark). Empty: none.
inline Secret secret_of(std::string_view mark) {
  Redactor redactor;
  return mark.empty() ? Secret() : Secret(redactor, Secret::Kind::account, jwt_of(mark));
}

/// The text as it is, which must be a token.
inline Secret secret_from(std::string_view jwt_text) {
  Redactor redactor;
  return {redactor, Secret::Kind::account, jwt_text};
}

}  // namespace retrust::test
