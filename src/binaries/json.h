#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

namespace retrust {

/// The text at a JSON pointer (RFC 6901), or an empty one where there is no text.
std::string text_at(const boost::json::value& value, std::string_view pointer);

/// The value at a JSON pointer, or null where there is none.
const boost::json::value* find_at(const boost::json::value& value, std::string_view pointer);

/// The array at a JSON pointer, or an empty one where there is none.
const boost::json::array& array_at(const boost::json::value& value, std::string_view pointer);

/// Takes apart a stream of JSON documents, one after another, as kubectl prints them.
class DocumentStream {
 public:
  /// Hands on every document that the piece completes. Throws boost::system::system_error where
  /// the text is not JSON.
  void feed(std::string_view piece, const std::function<void(boost::json::value)>& on_document);

  /// Nothing of a document is left waiting for its end.
  bool at_boundary() const { return !begun_; }

 private:
  boost::json::stream_parser parser_;
  bool begun_ = false;
};

}  // namespace retrust
