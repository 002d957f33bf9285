#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace retrust {

/// Part of a text that looks like a secret.
struct SecretShape {
  std::size_t begin;
  std::size_t size;
  std::string_view label;  ///< replaces it, e.g. "‹token›"
};

/// Finds what looks like a secret, though nobody registered it: a JWT and its base64, tokens
/// of a known maker (Rancher, Google, AWS and others), what follows `Bearer` and `Basic`, the
/// values of fields such as "token", "password" and client-key-data, private keys in PEM and their
/// base64, and the user of a URL. Fingerprints, names of objects and certificates have none of
/// these shapes. Takes linear time. Pure.
std::vector<SecretShape> secret_shapes(std::string_view text);

}  // namespace retrust
