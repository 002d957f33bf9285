#include "transcript/event.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "transcript/document.h"
#include "transcript/text.h"

namespace retrust {
namespace {

/// Bytes that are worth a reader's time.
constexpr std::size_t most_output = 8192;
constexpr std::size_t most_detail = 2048;

void shorten(boost::json::object& data, std::string_view key, std::size_t limit) {
  auto* value = data.if_contains(key);
  if (value == nullptr || !value->is_string()) return;
  const auto* total = data.if_contains("outputBytes");
  const auto known = total != nullptr && total->is_uint64() ? total->get_uint64() : 0;
  const std::string text(value->get_string());
  *value = shortened(text, limit, known);
}

}  // namespace

std::string_view name_of(EventKind kind) {
  switch (kind) {
    case EventKind::run_started:
      return "run_started";
    case EventKind::finding:
      return "finding";
    case EventKind::difference:
      return "difference";
    case EventKind::plan:
      return "plan";
    case EventKind::step_started:
      return "step_started";
    case EventKind::step_ended:
      return "step_ended";
    case EventKind::command_started:
      return "command_started";
    case EventKind::command_ended:
      return "command_ended";
    case EventKind::change:
      return "change";
    case EventKind::wait_started:
      return "wait_started";
    case EventKind::wait_progress:
      return "wait_progress";
    case EventKind::wait_ended:
      return "wait_ended";
    case EventKind::warning:
      return "warning";
    case EventKind::failure:
      return "failure";
    case EventKind::run_ended:
      return "run_ended";
  }
  return "unknown";
}

void mask_values(boost::json::value& value, const Redactor& redactor) {
  if (auto* text = value.if_string()) {
    *text = printable(redactor.mask(std::string_view(*text)));
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) mask_values(element, redactor);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) mask_values(member.value(), redactor);
  }
}

void Events::emit(const Event& event) {
  Event cleaned = event;
  cleaned.time = std::chrono::system_clock::now();
  cleaned.text = printable(redactor_.mask(event.text));
  for (auto& member : cleaned.data) mask_values(member.value(), redactor_);
  cleaned.aside = shortened(printable(redactor_.mask(event.aside)), most_detail);
  // After they are masked: half a secret would not be known.
  shorten(cleaned.data, "output", most_output);
  shorten(cleaned.data, "detail", most_detail);
  for (const auto& sink : sinks_) sink->emit(cleaned);
}

}  // namespace retrust
