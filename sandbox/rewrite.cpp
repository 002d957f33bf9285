#include "rewrite.h"

#include <algorithm>

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

/// Stands in a document for what cannot be a value.
constexpr std::string_view mark = "\x01substitute\x01";
const std::string serialised_mark = R"("\u0001substitute\u0001")";

std::string step(std::string key) {
  boost::replace_all(key, "~", "~0");
  boost::replace_all(key, "/", "~1");
  boost::replace_all(key, " ", "%20");
  return "/" + key;
}

bool is_text(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char each) {
    return (each >= ' ' && each <= '~') || each == '\n' || each == '\r' || each == '\t';
  });
}

/// What a text encodes, where that is a text again: a name of such letters encodes bytes.
std::optional<std::string> encoded_text(const std::string& text) {
  if (text.size() < 16 || text.size() % 4 != 0) return std::nullopt;
  auto decoded = base64_decode(text);
  return decoded && is_text(*decoded) ? decoded : std::nullopt;
}

}  // namespace

std::optional<std::string> Rewrite::inside_token(const std::string& token,
                                                 const std::string& place) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string::npos || first == last) return std::nullopt;
  boost::system::error_code wrong;
  auto claims =
      json::parse(base64url_decode(token.substr(first + 1, last - first - 1)).value_or(""), wrong);
  if (wrong || !claims.is_object()) return std::nullopt;
  const auto before = claims;
  walk(claims, place + "@jwt");
  if (claims == before) return std::nullopt;
  return token.substr(0, first + 1) + base64url_encode(serialised(claims)) + token.substr(last);
}

std::optional<std::string> Rewrite::inside(const std::string& text, const std::string& place) {
  if (auto changed = inside_token(text, place)) return changed;
  const auto decoded = encoded_text(text);
  if (!decoded) return std::nullopt;
  const auto within = place + "@base64";
  if (const auto substitute = visitor_(within, *decoded)) return base64_encode(substitute->plain);
  const auto changed = inside_token(*decoded, within);
  return changed ? std::optional(base64_encode(*changed)) : std::nullopt;
}

void Rewrite::walk(json::value& value, const std::string& place) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) walk(member.value(), place + step(std::string(member.key())));
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) walk(element, place + "/*");
  } else if (const auto* string = value.if_string()) {
    const std::string text(*string);
    if (auto substitute = visitor_(place, text)) {
      raw_ = std::move(substitute->raw);
      value = json::string(mark);
    } else if (const auto changed = inside(text, place)) {
      value = json::string(*changed);
    }
  }
}

std::string Rewrite::serialised(const json::value& value) const {
  auto text = json::serialize(value);
  if (!raw_.empty()) boost::replace_all(text, serialised_mark, raw_);
  return text;
}

}  // namespace retrust::sandbox
