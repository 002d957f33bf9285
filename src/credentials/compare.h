#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "credentials/secret.h"

namespace retrust {

/// A token and the CA certificates beside it, as one side holds them.
struct Credentials {
  Secret token;        ///< the JWT itself; empty where there is none
  std::string ca_pem;  ///< PEM; empty where there is none

  bool operator==(const Credentials&) const = default;
};

/// Comparison of Rancher's stored credentials with the live ones.
struct Comparison {
  enum class Part {
    same,
    differs,
    stored_missing,
    gained,  ///< the live CA has more certificates, and the stored CA still verifies the server
  };
  Part token = Part::same;
  Part ca = Part::same;

  /// True if Rancher has exactly what is live.
  bool same() const { return token == Part::same && ca == Part::same; }
  /// True if Rancher works with what it has stored: the live credentials, or a CA that lacks only
  /// certificates that the cluster does not need yet.
  bool equal() const { return same() || (token == Part::same && ca == Part::gained); }
};

/// "stored against live: token the same, CA different".
std::string text_of(const Comparison& comparison);

/// Tokens are compared as text, CA certificates by what they are (see same_certificates). No part
/// is `gained`: see Observation::comparison.
Comparison compare(const Credentials& stored, const Credentials& live);

/// Facts about credentials that the credentials do not hold themselves.
struct RenderNotes {
  std::string token_verdict = {};  ///< what the cluster says of the token; empty: nothing
  /// Present time, from which the remaining days of certificates are counted.
  std::optional<std::chrono::sys_seconds> now = {};
};

/// Lines that tell a person all about credentials (digests, names, dates in UTC) without the token
/// itself. Ends of lines are not included.
std::vector<std::string> render(const Credentials& credentials, const RenderNotes& notes = {});
/// The lines about the CA, and the lines about the token.
std::vector<std::string> render_ca(const std::string& ca_pem, const RenderNotes& notes = {});
std::vector<std::string> render_token(const Secret& token, const RenderNotes& notes = {});

/// A time to the minute: "2026-11-26 03:20 UTC".
std::string minute_text(std::chrono::sys_seconds time);

/// "3649 days left", "expired 2 days ago": of the certificate that ends first.
std::string validity_text(const std::string& ca_pem, std::chrono::sys_seconds now);

/// Unified diff of two texts with the customary `---` and `+++` header; empty where they are equal.
std::string unified_diff(const std::vector<std::string>& before,
                         const std::vector<std::string>& after, const std::string& before_name,
                         const std::string& after_name);

}  // namespace retrust
