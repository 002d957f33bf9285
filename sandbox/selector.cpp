#include "selector.h"

#include <algorithm>

#include "json_util.h"

namespace retrust::sandbox {
namespace {

std::string trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

/// Splits at commas outside parentheses.
std::vector<std::string> terms(const std::string& text) {
  std::vector<std::string> found;
  std::string term;
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      found.push_back(trimmed(term));
      term.clear();
    } else {
      term += c;
    }
  }
  if (!trimmed(term).empty()) found.push_back(trimmed(term));
  return found;
}

std::string escaped(const std::string& name) {
  std::string pointer;
  for (const char c : name) {
    if (c == '/') {
      pointer += "~1";
    } else if (c == '~') {
      pointer += "~0";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

struct Term {
  std::string name;
  enum class Operator { equal, unequal, in, not_in, exists, absent } op;
  std::vector<std::string> values;
};

std::vector<std::string> set_values(const std::string& text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  return terms(text.substr(open + 1, close - open - 1));
}

Term parse(const std::string& text) {
  using enum Term::Operator;
  if (const auto at = text.find("!="); at != std::string::npos) {
    return {trimmed(text.substr(0, at)), unequal, {trimmed(text.substr(at + 2))}};
  }
  if (const auto at = text.find('='); at != std::string::npos) {
    const auto value = text.substr(at + (text.substr(at).starts_with("==") ? 2 : 1));
    return {trimmed(text.substr(0, at)), equal, {trimmed(value)}};
  }
  if (const auto at = text.find(" notin "); at != std::string::npos) {
    return {trimmed(text.substr(0, at)), not_in, set_values(text)};
  }
  if (const auto at = text.find(" in "); at != std::string::npos) {
    return {trimmed(text.substr(0, at)), in, set_values(text)};
  }
  if (text.starts_with('!')) return {trimmed(text.substr(1)), absent, {}};
  return {text, exists, {}};
}

}  // namespace

Selector::Selector(const std::string& labels, const std::string& fields) {
  const auto add = [&](const std::string& text, auto pointer_of) {
    for (const auto& term : terms(text)) {
      auto [name, op, values] = parse(term);
      Operator mapped = Operator::in;
      if (op == Term::Operator::unequal || op == Term::Operator::not_in) mapped = Operator::not_in;
      if (op == Term::Operator::exists) mapped = Operator::exists;
      if (op == Term::Operator::absent) mapped = Operator::absent;
      requirements_.push_back({pointer_of(name), mapped, std::move(values)});
    }
  };
  add(labels, [](const std::string& name) { return "/metadata/labels/" + escaped(name); });
  add(fields, [this](std::string name) {
    fields_.push_back(name);
    std::replace(name.begin(), name.end(), '.', '/');
    return "/" + name;
  });
}

bool Selector::matches(const boost::json::value& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& wanted) {
    const auto there = find_at(object, wanted.pointer) != nullptr;
    const auto value = text_at(object, wanted.pointer);
    const auto listed =
        std::find(wanted.values.begin(), wanted.values.end(), value) != wanted.values.end();
    switch (wanted.op) {
      case Operator::in:
        return there && listed;
      case Operator::not_in:
        return !listed;
      case Operator::exists:
        return there;
      case Operator::absent:
        return !there;
    }
    return false;
  });
}

}  // namespace retrust::sandbox
