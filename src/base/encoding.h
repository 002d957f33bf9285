#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace retrust {

/// Standard base64 (RFC 4648 section 4) without line breaks.
std::string base64_encode(std::string_view bytes);

/// Decodes standard base64; white space anywhere is skipped, as `base64 -d` does.
/// Nothing where the text is not base64.
std::optional<std::string> base64_decode(std::string_view text);

/// The alphabet of RFC 4648 section 5 without padding, which JWTs use.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

/// SHA-256 of the bytes as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace retrust
