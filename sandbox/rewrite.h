#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// What a place gets instead of its text: a raw piece of a JSON document, so that it can be what no
/// value holds; and the same where it stands inside an encoded text.
struct Substitute {
  std::string raw;
  std::string plain;
};

/// Asked at each string of a document with its place and its text. A place is a JSON pointer with
/// `*` for the index of an array; behind it `@base64` for what the string encodes, and `@jwt` and a
/// pointer for a claim of a token, e.g. "/data/token@base64@jwt/sub". Object keys in it have %20
/// for a space.
using Visitor =
    std::function<std::optional<Substitute>(const std::string& place, const std::string& text)>;

/// Walks over the strings of documents and replaces those for which its visitor has something else.
class Rewrite {
 public:
  explicit Rewrite(Visitor visitor) : visitor_(std::move(visitor)) {}
  /// The strings below a value that stands at that place.
  void walk(boost::json::value& value, const std::string& place);
  /// The text of a value that was walked over, with what was replaced in it.
  std::string serialised(const boost::json::value& value) const;

 private:
  std::optional<std::string> inside(const std::string& text, const std::string& place);
  std::optional<std::string> inside_token(const std::string& token, const std::string& place);

  Visitor visitor_;
  std::string raw_;  // what the marks stand for: one attack at a time has one substitute
};

}  // namespace retrust::sandbox
