#include "tools/new_name.h"

#include <algorithm>
#include <random>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace retrust {
namespace {

namespace json = boost::json;

constexpr std::size_t random_letters = 5;
constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";

}  // namespace

ObjectName new_name(std::string_view prefix) {
  std::random_device random;
  std::uniform_int_distribution<std::size_t> any(0, alphabet.size() - 1);
  std::string letters;
  while (letters.size() < random_letters) letters += alphabet[any(random)];
  return fmt::format("{}{}", prefix, letters);
}

ObjectName renewed_name(const ObjectName& name) {
  const std::string_view text = name.text();
  return new_name(text.substr(0, text.size() - std::min(text.size(), random_letters)));
}

bool holds(const json::value& read, const json::value& sent) {
  if (const auto* fields = sent.if_object()) {
    const auto* object = read.if_object();
    return object != nullptr &&
           std::all_of(fields->begin(), fields->end(), [&](const json::key_value_pair& field) {
             const auto* there = object->if_contains(field.key());
             return there != nullptr && holds(*there, field.value());
           });
  }
  if (const auto* items = sent.if_array()) {
    const auto* array = read.if_array();
    return array != nullptr && array->size() == items->size() &&
           std::equal(array->begin(), array->end(), items->begin(), holds);
  }
  return read == sent;
}

}  // namespace retrust
