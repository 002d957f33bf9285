#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/redactor.h"

namespace retrust {

/// What an event is about. The names are those in transcript.jsonl.
enum class EventKind {
  run_started,
  finding,     ///< something observed, one sentence
  difference,  ///< unified diff of the rendered credentials
  plan,        ///< the steps and why
  step_started,
  step_ended,
  command_started,  ///< `text` is the command as a shell line
  command_ended,    ///< `text` is a summary of what it said
  change,           ///< something was changed or saved, one sentence
  wait_started,     ///< `text` says for what
  wait_progress,    ///< `text` says what was seen meanwhile
  wait_ended,
  warning,
  failure,
  run_ended,
};

/// How much a command matters to a reader: routine ones appear on a terminal only when asked for.
enum class Weight { documented, routine };

/// One thing that happened, for every reader of it.
struct Event {
  EventKind kind;
  /// Section of the runbook ("2.1"), or empty.
  std::string section = {};
  /// For people: one sentence, or the lines of a diff or plan.
  std::string text = {};
  /// For machines: further fields of the line in transcript.jsonl.
  boost::json::object data = {};
  /// For the operator alone, and never recorded: what a login plugin says.
  std::string aside = {};
  Weight weight = Weight::documented;
  /// Set when it is emitted.
  std::chrono::system_clock::time_point time = {};
};

/// The name in transcript.jsonl, e.g. "step_started".
std::string_view name_of(EventKind kind);

/// Masks every text in a value and makes it printable. A value is masked before it becomes JSON:
/// masked JSON need not be JSON any more.
void mask_values(boost::json::value& value, const Redactor& redactor);

/// Whoever wants to know what happens. Throws where it cannot write it down.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;
  virtual void emit(const Event& event) = 0;
  /// A number for the next command: its start and its end carry it.
  std::int64_t next_command() { return ++commands_; }

 private:
  std::int64_t commands_ = 0;
};

class Volume;

/// Where events are emitted: masks them, keeps their volume small (see volume.h), and hands them on
/// to every sink.
class Events final : public EventSink {
 public:
  /// The redactor must outlive this.
  explicit Events(const Redactor& redactor);
  ~Events() override;
  void add(std::shared_ptr<EventSink> sink) { sinks_.push_back(std::move(sink)); }
  void emit(const Event& event) override;

 private:
  const Redactor& redactor_;
  std::unique_ptr<Volume> volume_;
  std::vector<std::shared_ptr<EventSink>> sinks_;
};

}  // namespace retrust
