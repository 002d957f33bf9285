#include "credentials/token.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"

namespace retrust {
namespace {

namespace json = boost::json;

std::optional<json::value> part(std::string_view encoded) {
  const auto text = base64url_decode(encoded);
  if (!text) return std::nullopt;
  boost::system::error_code wrong;
  auto value = json::parse(*text, wrong);
  if (wrong || !value.is_object()) return std::nullopt;
  return value;
}

std::string text_of(const json::value& object, std::string_view pointer) {
  boost::system::error_code missing;
  const auto* found = object.find_pointer(pointer, missing);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// Nothing where the claim is not there. One beyond the year 9999 is as good as its end, and can be
/// written down; seconds may have a fraction (RFC 7519 section 2).
std::optional<std::chrono::sys_seconds> time_of(const json::value& claims,
                                                std::string_view pointer) {
  constexpr std::int64_t last = 253'402'300'799;
  boost::system::error_code wrong;
  const auto* time = claims.find_pointer(pointer, wrong);
  if (time == nullptr || !time->is_number()) return std::nullopt;
  const auto number = time->to_number<double>(wrong);
  if (std::isnan(number)) return std::nullopt;  // Boost.JSON reads 0e20002 so
  const auto seconds = std::clamp(number, 0.0, double{last});
  return std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

/// The legacy claim, or the projected one where that is not there.
std::string either(const json::value& claims, std::string_view legacy, std::string_view projected) {
  auto text = text_of(claims, legacy);
  return text.empty() ? text_of(claims, projected) : text;
}

}  // namespace

std::optional<TokenClaims> parse_token(std::string_view jwt) {
  const auto first = jwt.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = jwt.find('.', first + 1);
  if (second == std::string_view::npos || jwt.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const auto header = part(jwt.substr(0, first));
  const auto claims = part(jwt.substr(first + 1, second - first - 1));
  if (!header || !claims) return std::nullopt;

  TokenClaims parsed;
  parsed.algorithm = text_of(*header, "/alg");
  parsed.key_id = text_of(*header, "/kid");
  parsed.issuer = text_of(*claims, "/iss");
  parsed.subject = text_of(*claims, "/sub");
  parsed.name_space =
      either(*claims, "/kubernetes.io~1serviceaccount~1namespace", "/kubernetes.io/namespace");
  parsed.service_account = either(*claims, "/kubernetes.io~1serviceaccount~1service-account.name",
                                  "/kubernetes.io/serviceaccount/name");
  parsed.service_account_uid =
      either(*claims, "/kubernetes.io~1serviceaccount~1service-account.uid",
             "/kubernetes.io/serviceaccount/uid");
  parsed.secret_name = text_of(*claims, "/kubernetes.io~1serviceaccount~1secret.name");
  parsed.issued = time_of(*claims, "/iat");
  parsed.expires = time_of(*claims, "/exp");
  return parsed;
}

std::string fingerprint(std::string_view secret) {
  return sha256_hex(secret).substr(0, 12);
}

}  // namespace retrust
