#include "binaries/json.h"

#include <boost/json/array.hpp>

namespace retrust {

const boost::json::value* find_at(const boost::json::value& value, std::string_view pointer) {
  boost::system::error_code missing;
  return value.find_pointer(pointer, missing);
}

std::string text_at(const boost::json::value& value, std::string_view pointer) {
  const auto* found = find_at(value, pointer);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const boost::json::array& array_at(const boost::json::value& value, std::string_view pointer) {
  static const boost::json::array none;
  const auto* found = find_at(value, pointer);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

void DocumentStream::feed(std::string_view piece,
                          const std::function<void(boost::json::value)>& on_document) {
  while (!piece.empty()) {
    if (!begun_) {
      const auto start = piece.find_first_not_of(" \t\r\n");
      if (start == std::string_view::npos) return;
      piece.remove_prefix(start);
      begun_ = true;
    }
    piece.remove_prefix(parser_.write_some(piece.data(), piece.size()));
    if (parser_.done()) {
      begun_ = false;
      auto document = parser_.release();
      parser_.reset();
      on_document(std::move(document));
    }
  }
}

}  // namespace retrust
