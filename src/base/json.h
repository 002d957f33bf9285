#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace retrust {

/// The text at a JSON pointer (RFC 6901), or an empty one where there is no text.
std::string text_at(const boost::json::value& value, std::string_view pointer);

/// The value at a JSON pointer, or null where there is none.
const boost::json::value* find_at(const boost::json::value& value, std::string_view pointer);

/// The array at a JSON pointer, or an empty one where there is none.
const boost::json::array& array_at(const boost::json::value& value, std::string_view pointer);

}  // namespace retrust
