#include "transcript/members.h"

#include <boost/json/value.hpp>

namespace retrust {

std::string text_in(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace retrust
