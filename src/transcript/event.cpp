#include "transcript/event.h"

#include <exception>
#include <type_traits>

#include <boost/json/array.hpp>

#include "base/shortened.h"
#include "base/text.h"
#include "transcript/event_table.h"
#include "transcript/plan_text.h"
#include "transcript/volume.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Limit in bytes of the part of a command's output that only the operator sees.
constexpr std::size_t most_aside = 2048;

template <typename Value>
bool is_absent(const Value& value) {
  if constexpr (requires { value.has_value(); }) {
    return !value.has_value();
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return false;
  }
}

template <typename Value>
json::value written(const Value& value);

template <typename Struct>
void add_members(json::object& object, const Struct& of) {
  for_each_member(of, [&](const auto& member, const auto& value) {
    if (member.presence == Presence::never) return;
    if (member.presence == Presence::sometimes && is_absent(value)) return;
    object[member.name] = written(value);
  });
}

template <typename Value>
json::value written(const Value& value) {
  if constexpr (std::is_same_v<Value, Advice>) {
    return json::value(value.text());
  } else if constexpr (std::is_same_v<Value, Need>) {
    return json::value(word_of(value));
  } else if constexpr (std::is_arithmetic_v<Value> || std::is_same_v<Value, std::string>) {
    return json::value(value);
  } else if constexpr (requires { *value.operator->(); }) {
    return json::value(*value);
  } else if constexpr (requires { table(&value); }) {
    json::object object;
    add_members(object, value);
    return object;
  } else {
    json::array list;
    for (const auto& element : value) list.push_back(written(element));
    return list;
  }
}

}  // namespace

json::object to_json(const Event& event) {
  json::object line;
  line["version"] = 1;
  line["time"] = utc_text_ms(event.time);
  std::visit(
      [&](const auto& what) {
        using Kind = std::decay_t<decltype(what)>;
        line["event"] = table_of<Kind>.name;
        if (!event.section.empty()) line["section"] = event.section;
        if (!event.text.empty()) line["text"] = event.text;
        if constexpr (std::is_same_v<Kind, PlanMade>) line["text"] = plan_text(what.steps);
        add_members(line, what);
      },
      event.what);
  return line;
}

json::array to_json(const std::vector<ShownStep>& steps) {
  return written(steps).as_array();
}

void mask_values(json::value& value, const Redactor& redactor) {
  if (auto* text = value.if_string()) {
    *text = printable(redactor.mask(std::string_view(*text)));
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) mask_values(element, redactor);
  } else if (auto* object = value.if_object()) {
    json::object masked(object->storage());
    for (auto& member : *object) {
      mask_values(member.value(), redactor);
      // Some keys are sentences with the words of a cluster.
      masked[printable(redactor.mask(std::string_view(member.key())))] = std::move(member.value());
    }
    *object = std::move(masked);
  }
}

Events::Events(const Redactor& redactor)
    : redactor_(redactor), volume_(std::make_unique<Volume>()) {}

Events::~Events() = default;

void Events::emit(const Event& event) {
  Event cleaned = event;
  cleaned.time = std::chrono::system_clock::now();
  const auto clean = [&](std::string& text, TextShape) { text = printable(redactor_.mask(text)); };
  clean(cleaned.text, TextShape::lines);
  std::visit([&](auto& what) { for_each_text(what, clean); }, cleaned.what);
  if (auto* ended = std::get_if<CommandEnded>(&cleaned.what)) {
    ended->aside = shortened(ended->aside, most_aside);
  }
  // Shortening follows masking, because a half secret would not be recognized.
  for (const auto& passed : volume_->admitted(std::move(cleaned))) {
    record(passed);
    for (const auto& sink : sinks_) sink->emit(passed);
  }
}

void Events::record(const Event& event) {
  const auto shown_anyway = ended_ || event.is<FailureTold>();
  if (event.is<RunEnded>()) ended_ = true;
  for (const auto& each : records_) {
    try {
      each->emit(event);
    } catch (const std::exception&) {
      if (!shown_anyway) throw;
    }
  }
}

}  // namespace retrust
