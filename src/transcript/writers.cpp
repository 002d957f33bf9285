#include "transcript/writers.h"

#include <chrono>
#include <system_error>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "transcript/failure.h"
#include "transcript/text.h"

namespace retrust {
namespace {

/// A change is announced before it is made: by then all that came before must be on the disk.
bool precedes_change(EventKind kind) {
  return kind == EventKind::change || kind == EventKind::run_ended;
}

}  // namespace

bool is_momentary(const Event& event) {
  return event.kind == EventKind::wait_progress && event.weight == Weight::routine;
}

std::string json_line(const Event& event) {
  boost::json::object line;
  line["version"] = 1;
  line["time"] = utc_text_ms(event.time);
  line["event"] = name_of(event.kind);
  if (!event.section.empty()) line["section"] = event.section;
  if (!event.text.empty()) line["text"] = event.text;
  for (const auto& member : event.data) line.insert(member);
  return boost::json::serialize(line);
}

void JsonlWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  file_.write(json_line(event) + "\n");
  if (precedes_change(event.kind)) file_.sync();
}

MarkdownWriter::MarkdownWriter(std::filesystem::path path) : path_(std::move(path)) {
  // Fails early where nothing can be written, and where something is there already.
  PrivateFile file(path_);
}

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  events_.push_back(event);
  // transcript.jsonl has each event at once; this is what a run that is killed leaves for people.
  // It is written before each change, and where time has passed anyway.
  const auto over = event.kind == EventKind::run_ended;
  const auto before_change = events_.size() == 1 || event.kind == EventKind::change;
  const auto late = event.time - written_ > std::chrono::seconds{1};
  if (!over && !before_change && !late) return;
  written_ = event.time;
  const auto fresh = std::filesystem::path(path_).concat(".new");
  std::error_code error;
  std::filesystem::remove(fresh, error);
  {
    PrivateFile file(fresh);
    file.write(document(events_));
    if (over) file.sync();
  }
  std::filesystem::rename(fresh, path_, error);
  if (error) {
    throw Failure(ExitStatus::refused,
                  fmt::format("cannot write {}: {}", path_.string(), error.message()),
                  "nothing is changed without a record of it; give another --run-dir");
  }
}

}  // namespace retrust
