#include <algorithm>
#include <chrono>
#include <string>

#include "base/encoding.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace retrust::fuzz {
namespace {

constexpr std::string_view hexadecimal = "0123456789abcdef";

/// 9999-12-31T23:59:59Z: later times cannot be written down.
constexpr std::chrono::sys_seconds last{std::chrono::seconds{253'402'300'799}};

void check_time(const std::optional<std::chrono::sys_seconds>& time) {
  require(!time || (time->time_since_epoch().count() >= 0 && *time <= last),
          "a claim's time has a date");
}

void check_token(std::string_view jwt) {
  const auto claims = parse_token(jwt);
  if (!claims) return;
  require(std::count(jwt.begin(), jwt.end(), '.') == 2, "a JWT has three parts");
  check_time(claims->issued);
  check_time(claims->expires);
}

}  // namespace

void certificate(std::string_view input) {
  const auto found = parse_certificates(input);
  for (const auto& each : found) {
    require(is_one_line(each.subject) && is_one_line(each.issuer), "a name is one line");
    require(
        each.sha256.size() == 64 && each.sha256.find_first_not_of(hexadecimal) == std::string::npos,
        "a fingerprint is 64 hexadecimal digits");
    require(each.not_before <= last && each.not_after <= last, "a validity has dates");
  }
  require(same_certificates(input, input), "a bundle is the same as itself");
  const std::string twice = std::string(input) + "\n" + std::string(input);
  if (contains_certificates(input, input)) {
    require(same_certificates(input, twice), "repetition does not matter");
    require(contains_certificates(twice, input), "a bundle is part of a longer one");
  }
}

void base64(std::string_view input) {
  require(base64_decode(base64_encode(input)) == input, "base64 goes there and back");
  require(base64url_decode(base64url_encode(input)) == input, "base64url goes there and back");
  if (const auto bytes = base64_decode(input)) {
    require(base64_decode(base64_encode(*bytes)) == bytes, "decoded bytes go there and back");
  }
  if (const auto bytes = base64url_decode(input)) {
    require(base64url_decode(base64url_encode(*bytes)) == bytes, "decoded bytes stay the same");
  }
  const auto name = fingerprint(input);
  require(name.size() == 12 && name.find_first_not_of(hexadecimal) == std::string::npos,
          "a secret is named by 12 hexadecimal digits");
}

/// The input as a token, and its lines as header and claims of one.
void token(std::string_view input) {
  check_token(input);
  const auto [header, claims] = halves(input, "\n");
  check_token(base64url_encode(header) + "." + base64url_encode(claims) + ".signature");
}

}  // namespace retrust::fuzz
