#include "transcript/schema.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "transcript/event_table.h"

namespace retrust {
namespace {

using enum SchemaField::Type;

const SchemaField* find(const std::vector<SchemaField>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const SchemaField& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool fits(const boost::json::value& value, SchemaField::Type type) {
  switch (type) {
    case text:
      return value.is_string();
    case number:
      return value.is_int64() || value.is_uint64();
    case list:
      return value.is_array();
    case truth:
      return value.is_bool();
  }
  return false;
}

std::string missing(const boost::json::object& line, const std::vector<SchemaField>& fields) {
  for (const auto& field : fields) {
    if (field.presence == Presence::always && !line.contains(field.name)) {
      return fmt::format("{} is missing", field.name);
    }
  }
  return {};
}

template <typename Value>
constexpr SchemaField::Type type_of() {
  if constexpr (std::is_same_v<Value, std::string> || std::is_same_v<Value, Advice>) {
    return text;
  } else if constexpr (std::is_same_v<Value, bool>) {
    return truth;
  } else if constexpr (requires(Value value) { value.push_back({}); }) {
    return list;
  } else {
    return number;
  }
}

template <typename Kind>
SchemaEvent schema_of() {
  SchemaEvent event{table_of<Kind>.name, table_of<Kind>.meaning, {}};
  for_each_member(Kind(), [&](const auto& member, const auto& value) {
    if (member.presence == Presence::never) return;
    using Value = std::decay_t<decltype(value)>;
    event.fields.push_back({member.name, type_of<Value>(), member.presence, member.meaning});
  });
  return event;
}

}  // namespace

const std::vector<SchemaField>& schema_of_lines() {
  static const std::vector<SchemaField> fields{
      {"version", number, Presence::always, "of this schema: 1"},
      {"time", text, Presence::always, "when it happened, UTC with milliseconds"},
      {"event", text, Presence::always, "what kind of line this is"},
      {"clusterId", text, Presence::sometimes,
       "on standard output with several clusters: the cluster that it is about"},
      {"section", text, Presence::sometimes, "of the runbook, e.g. 2.1"},
      {"text", text, Presence::sometimes, "for people; secrets are masked"},
  };
  return fields;
}

const std::vector<SchemaEvent>& schema_of_events() {
  static const auto events = []<std::size_t... I>(std::index_sequence<I...>) {
    using What = decltype(Event::what);
    return std::vector<SchemaEvent>{schema_of<std::variant_alternative_t<I, What>>()...};
  }
  (std::make_index_sequence<std::variant_size_v<decltype(Event::what)>>());
  return events;
}

std::string against_schema(const boost::json::value& line) {
  if (!line.is_object()) return "it is no object";
  const auto& object = line.get_object();
  if (auto wrong = missing(object, schema_of_lines()); !wrong.empty()) return wrong;
  const auto& name = object.at("event");
  if (!name.is_string()) return "event is no text";
  const auto& events = schema_of_events();
  const auto event = std::find_if(events.begin(), events.end(), [&](const SchemaEvent& each) {
    return each.name == std::string_view(name.get_string());
  });
  if (event == events.end()) return fmt::format("there is no event {}", name.get_string().c_str());
  if (auto wrong = missing(object, event->fields); !wrong.empty()) {
    return fmt::format("{}: {}", event->name, wrong);
  }
  for (const auto& member : object) {
    const auto* field = find(schema_of_lines(), member.key());
    if (field == nullptr) field = find(event->fields, member.key());
    if (field == nullptr) {
      return fmt::format("{}: there is no member {}", event->name, std::string(member.key()));
    }
    if (!fits(member.value(), field->type)) {
      return fmt::format("{}: {} is of another type", event->name, field->name);
    }
  }
  return {};
}

}  // namespace retrust
