#include "base/names.h"

#include <algorithm>

#include "base/display_text.h"
#include "base/failure.h"

namespace retrust {
namespace {

constexpr std::size_t most_shown = 80;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_letter_or_digit(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, bool (*allowed)(char)) {
  return std::all_of(text.begin(), text.end(), allowed);
}

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

[[noreturn]] void refuse_text(std::string_view what, std::string_view text, std::string_view rule) {
  const auto shown = display_text(text, most_shown);
  throw Failure(FailureCode::bad_answer, fmt::format("\"{}\" is no {}: {}", shown, what, rule),
                "retrust uses no such text in a command. Find out who wrote it before you go on");
}

}  // namespace

bool ObjectNameRule::allows(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('.', begin), text.size());
    if (!is_label(text.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

void ObjectNameRule::refuse(std::string_view text) {
  refuse_text("name of a Kubernetes object", text,
              "such a name has at most 253 lower-case letters, digits, dashes and dots, and begins "
              "and ends with a letter or digit");
}

bool LabelRule::allows(std::string_view text) {
  return text.size() <= 63 && is_label(text);
}

void LabelRule::refuse(std::string_view text) {
  refuse_text(
      "namespace or cluster ID", text,
      "such a name has at most 63 lower-case letters, digits and dashes, and begins and ends "
      "with a letter or digit");
}

bool UidRule::allows(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_letter_or_digit(text.front()) &&
         all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

void UidRule::refuse(std::string_view text) {
  refuse_text("uid", text, "a uid has at most 64 letters, digits and dashes");
}

bool ResourceVersionRule::allows(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '-' && all_of(text, [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == ':';
  });
}

void ResourceVersionRule::refuse(std::string_view text) {
  refuse_text("resourceVersion", text, "it has at most 128 letters, digits, dashes and dots");
}

bool ContainerNameRule::allows(std::string_view text) {
  return !text.empty() && text.size() <= 255 && is_letter_or_digit(text.front()) &&
         all_of(text,
                [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

void ContainerNameRule::refuse(std::string_view text) {
  refuse_text("name of a container", text,
              "such a name begins with a letter or digit, and has letters, digits and _.- alone");
}

bool is_path_segment(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name != "." && name != ".." &&
         name.front() != '-' &&
         all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != '%'; });
}

bool allows_name(std::string_view kind, std::string_view name) {
  if (kind == "Role" || kind == "ClusterRole" || kind == "RoleBinding" ||
      kind == "ClusterRoleBinding" || kind == "APIService") {
    return is_path_segment(name);
  }
  if (kind == "Namespace") return LabelRule::allows(name);
  return ObjectNameRule::allows(name);
}

}  // namespace retrust
