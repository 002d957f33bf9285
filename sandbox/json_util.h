#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// The text at a JSON pointer, or an empty one.
std::string text_at(const boost::json::value& value, std::string_view pointer);

/// The value at a JSON pointer, or null.
const boost::json::value* find_at(const boost::json::value& value, std::string_view pointer);

/// The place at a JSON pointer, made with the objects on the way to it.
boost::json::value& place_at(boost::json::value& value, std::string_view pointer);

/// Sets the value at a JSON pointer, making the objects on the way.
template <typename Part>
void put(boost::json::value& value, std::string_view pointer, Part&& part) {
  if constexpr (std::is_convertible_v<Part, std::string_view>) {
    // By way of a copy: the text may be part of what is overwritten.
    place_at(value, pointer) = boost::json::string(std::string_view(part));
  } else {
    place_at(value, pointer) = boost::json::value(std::forward<Part>(part));
  }
}

/// RFC 7386.
void merge_patch(boost::json::value& target, const boost::json::value& patch);

/// RFC 6902: add, replace, remove and test of object members and array elements. Throws
/// std::runtime_error where it does not apply.
void json_patch(boost::json::value& target, const boost::json::array& operations);

/// metav1.Time.
std::string time_text(std::chrono::system_clock::time_point time);
std::string now_text();

}  // namespace retrust::sandbox
