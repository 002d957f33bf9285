#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/advice.h"
#include "base/redactor.h"

namespace retrust {

// Kinds of events. event_table.h has the meaning of each member, and decides how it is masked,
// shortened and written.

struct RunStarted {
  std::string version = {};
  std::string command_line = {};
  std::string operator_name = {};
  std::string directory = {};
  std::string other_options = {};
  Advice if_killed = {};
};

/// An observation. Its members are facts for the head of a transcript, as far as they are known.
struct Finding {
  std::string downstream_cluster = {};
  std::string local_cluster = {};
  std::string rancher_version = {};
  std::string kubernetes_version = {};
  std::string kubectl_version = {};
  std::string kubectl_path = {};
  std::string docker_version = {};
  std::string docker_path = {};
  std::string backup_tool_version = {};
  std::string backup_tool_path = {};
  std::string rancher_backup = {};
};

/// The situation at the start, the first that an operator reads.
struct SituationTold {};

/// A unified diff of the rendered credentials.
struct Difference {};

/// Need of a step in a plan.
enum class Need {
  needed,
  reads,  ///< a step that comes and only reads, for readers
  not_needed,
  depends,  ///< depends on the results of earlier steps
  skipped,  ///< by the operator
  waived,   ///< a backup, by the operator
};

/// A step of a plan in the form for readers.
struct ShownStep {
  std::string section = {};
  std::string name = {};
  Need need = Need::not_needed;
  bool changes = false;
  std::string reason = {};
  std::vector<std::string> commands = {};
  std::vector<std::string> notes = {};
};

struct PlanMade {
  std::vector<ShownStep> steps = {};
};

struct StepStarted {
  std::string name = {};
};

struct StepEnded {
  std::string name = {};
  std::string result = {};
};

/// Whether the end of a command is shown as awaited. A proxy, a watch and a login last.
enum class Life { awaited, lasting };

/// Common members of a command's start and its end.
struct CommandAbout {
  std::int64_t id = 0;
  std::string cluster = {};
  std::string program = {};
  std::string container = {};
  Life life = Life::awaited;  ///< not in JSON
};

/// Start of a command. The event's text is the command as a shell line.
struct CommandStarted : CommandAbout {
  std::string given = {};
};

/// End of a command. The event's text is a summary of its output.
struct CommandEnded : CommandAbout {
  std::string command = {};
  std::string ending = {};
  std::optional<std::int64_t> milliseconds = {};
  std::string output = {};
  std::optional<std::int64_t> output_bytes = {};
  std::string aside = {};
};

struct DeletedSecret {
  std::string name = {};
  std::string uid = {};
  std::string account = {};
};

/// A change, or a file that is saved.
struct Change {
  std::string name_space = {};
  std::vector<DeletedSecret> secrets = {};
  std::string file = {};
  std::string sha256 = {};
};

struct WaitStarted {};
struct WaitProgress {};
struct WaitEnded {};

struct Warning {
  Advice advice = {};
};

struct FailureTold {
  std::int64_t status = 0;
  std::string detail = {};
  Advice advice = {};
  std::string code = {};
};

/// The result of one of several clusters.
struct ClusterEnded {
  std::string id = {};
  std::string name = {};
  std::string result = {};
  std::int64_t status = 0;
  bool changed = false;
  std::string last_step = {};
  std::string folder = {};
  std::vector<Advice> next = {};
  std::string code = {};
};

struct RunEnded {
  std::int64_t status = 0;
  std::string run_folder = {};
  std::string head = {};
  std::string verdict = {};
  std::vector<Advice> next = {};
  std::int64_t cpu_microseconds = 0;
  std::int64_t system_microseconds = 0;
  std::int64_t peak_kib = 0;
  std::string code = {};
};

/// Importance of an event to a reader: routine ones appear on a terminal only on request.
enum class Weight { documented, routine };

/// One event of a run, for all sinks.
struct Event {
  std::variant<RunStarted, SituationTold, Finding, Difference, PlanMade, StepStarted, StepEnded,
               CommandStarted, CommandEnded, Change, WaitStarted, WaitProgress, WaitEnded, Warning,
               FailureTold, ClusterEnded, RunEnded>
      what = {};
  /// Section of the runbook ("2.1"), or empty.
  std::string section = {};
  /// Text for people: one sentence, or the lines of a diff.
  std::string text = {};
  Weight weight = Weight::documented;
  /// Time of the event; Events::emit sets it.
  std::chrono::system_clock::time_point time = {};

  template <typename... Kinds>
  bool is() const {
    return (std::holds_alternative<Kinds>(what) || ...);
  }
};

/// The line of transcript.jsonl for an event.
boost::json::object to_json(const Event& event);
/// The steps of a plan in the form of that line.
boost::json::array to_json(const std::vector<ShownStep>& steps);

/// Masks every text in a value and makes it printable. A value is masked before it becomes JSON:
/// masked JSON need not be JSON any more.
void mask_values(boost::json::value& value, const Redactor& redactor);

/// A receiver of events. emit() throws if it cannot write the event.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;
  virtual void emit(const Event& event) = 0;
  /// Number for the next command, which its start and its end carry.
  std::int64_t next_command() { return ++commands_; }

 private:
  std::int64_t commands_ = 0;
};

class Volume;

/// Masks events, keeps their volume small (see volume.h), and hands them on to every sink.
class Events final : public EventSink {
 public:
  /// The redactor must outlive this.
  explicit Events(const Redactor& redactor);
  ~Events() override;
  /// Adds a sink that shows events to somebody, after all records have them.
  void add(std::shared_ptr<EventSink> sink) { sinks_.push_back(std::move(sink)); }
  /// Adds a sink that keeps events. An event that a record cannot keep is not shown, and emit()
  /// throws. A failure is shown all the same, and so is a second RunEnded, which corrects one that
  /// was not kept.
  void add_record(std::shared_ptr<EventSink> sink) { records_.push_back(std::move(sink)); }
  void emit(const Event& event) override;

 private:
  void record(const Event& event);

  const Redactor& redactor_;
  std::unique_ptr<Volume> volume_;
  std::vector<std::shared_ptr<EventSink>> sinks_;
  std::vector<std::shared_ptr<EventSink>> records_;
  bool ended_ = false;
};

}  // namespace retrust
