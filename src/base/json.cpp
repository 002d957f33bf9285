#include "base/json.h"

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

}  // namespace retrust
