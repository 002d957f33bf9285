#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/display_text.h"

namespace retrust {

/// Claims of a service account's JWT; its signature is not checked. Fields that are not
/// there are empty. Holds no secret: neither the token nor its signature.
/// Both the legacy claims (`kubernetes.io/serviceaccount/…`) and the projected ones
/// (`kubernetes.io: {…}`) are read.
struct TokenClaims {
  DisplayText issuer;
  DisplayText subject;
  DisplayText name_space;
  DisplayText service_account;
  DisplayText service_account_uid;
  DisplayText secret_name;  ///< legacy tokens only
  DisplayText key_id;       ///< `kid` of the header
  DisplayText algorithm;
  std::optional<std::chrono::sys_seconds> issued;
  std::optional<std::chrono::sys_seconds> expires;
};

/// Reads the claims. Nothing if the text is not a JWT of three parts with JSON in the first two.
std::optional<TokenClaims> parse_token(std::string_view jwt);

/// First 12 hexadecimal digits of the SHA-256 of the text: how a secret is named in print.
std::string fingerprint(std::string_view secret);

}  // namespace retrust
