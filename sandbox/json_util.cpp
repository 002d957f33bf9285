#include "json_util.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

/// One step of a pointer, unescaped.
std::string unescaped(std::string_view step) {
  std::string name(step);
  for (auto at = name.find('~'); at != std::string::npos; at = name.find('~', at + 1)) {
    const auto escape = name.substr(at, 2);
    if (escape == "~1") name.replace(at, 2, "/");
    if (escape == "~0") name.replace(at, 2, "~");
  }
  return name;
}

/// Splits "/a/b" into the pointer of the parent and the last name, unescaped.
std::pair<std::string, std::string> split_pointer(const std::string& pointer) {
  const auto slash = pointer.rfind('/');
  if (slash == std::string::npos) throw std::runtime_error("not a JSON pointer: " + pointer);
  return {pointer.substr(0, slash), unescaped(std::string_view(pointer).substr(slash + 1))};
}

std::size_t index_of(const json::array& array, const std::string& name) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || index > array.size()) {
    throw std::runtime_error("no such element: " + name);
  }
  return index;
}

void apply(json::value& target, const std::string& op, const std::string& path,
           const json::value& operand) {
  const auto [parent_path, name] = split_pointer(path);
  boost::system::error_code missing;
  auto* parent = target.find_pointer(parent_path, missing);
  if (parent == nullptr) throw std::runtime_error("there is no " + parent_path);
  if (auto* object = parent->if_object()) {
    if (op != "add" && !object->contains(name)) throw std::runtime_error("there is no " + path);
    if (op == "remove") {
      object->erase(name);
    } else if (op == "test") {
      if (object->at(name) != operand) throw std::runtime_error("test failed: " + path);
    } else {
      (*object)[name] = operand;
    }
    return;
  }
  auto* array = parent->if_array();
  if (array == nullptr) throw std::runtime_error("there is no " + path);
  if (op == "add") {
    const auto index = name == "-" ? array->size() : index_of(*array, name);
    array->insert(array->begin() + static_cast<std::ptrdiff_t>(index), operand);
    return;
  }
  const auto index = index_of(*array, name);
  if (index == array->size()) throw std::runtime_error("there is no " + path);
  if (op == "remove") {
    array->erase(array->begin() + static_cast<std::ptrdiff_t>(index));
  } else if (op == "test") {
    if (array->at(index) != operand) throw std::runtime_error("test failed: " + path);
  } else {
    array->at(index) = operand;
  }
}

}  // namespace

const json::value* find_at(const json::value& value, std::string_view pointer) {
  boost::system::error_code missing;
  return value.find_pointer(pointer, missing);
}

std::string text_at(const json::value& value, std::string_view pointer) {
  const auto* found = find_at(value, pointer);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

json::value& place_at(json::value& value, std::string_view pointer) {
  auto* place = &value;
  while (!pointer.empty()) {
    if (pointer.front() != '/') {
      throw std::runtime_error("not a JSON pointer: " + std::string(pointer));
    }
    const auto end = std::min(pointer.find('/', 1), pointer.size());
    const auto step = pointer.substr(1, end - 1);
    if (!place->is_object()) place->emplace_object();
    auto& object = place->get_object();
    place = step.find('~') == std::string_view::npos ? &object[step] : &object[unescaped(step)];
    pointer.remove_prefix(end);
  }
  return *place;
}

void merge_patch(json::value& target, const json::value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (const auto& member : patch.get_object()) {
    if (member.value().is_null()) {
      object.erase(member.key());
    } else {
      merge_patch(object[member.key()], member.value());
    }
  }
}

void json_patch(json::value& target, const json::array& operations) {
  for (const auto& operation : operations) {
    const auto op = text_at(operation, "/op");
    if (op != "add" && op != "replace" && op != "remove" && op != "test") {
      throw std::runtime_error("the operation is not known: " + op);
    }
    const auto* operand = find_at(operation, "/value");
    apply(target, op, text_at(operation, "/path"), operand == nullptr ? json::value() : *operand);
  }
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string now_text() {
  return time_text(std::chrono::system_clock::now());
}

}  // namespace retrust::sandbox
