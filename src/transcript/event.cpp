#include "transcript/event.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/shortened.h"
#include "base/text.h"
#include "transcript/volume.h"

namespace retrust {
namespace {

/// Bytes of what the operator alone sees of a command.
constexpr std::size_t most_aside = 2048;

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
    boost::json::object masked(object->storage());
    for (auto& member : *object) {
      mask_values(member.value(), redactor);
      // Some keys are sentences that hold what a cluster said.
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
  cleaned.text = printable(redactor_.mask(event.text));
  for (auto& member : cleaned.data) mask_values(member.value(), redactor_);
  cleaned.aside = shortened(printable(redactor_.mask(event.aside)), most_aside);
  // It is shortened after it is masked: half a secret would not be known.
  for (const auto& passed : volume_->admitted(std::move(cleaned))) {
    for (const auto& sink : sinks_) sink->emit(passed);
  }
}

}  // namespace retrust
