#include "transcript/writers.h"

#include <boost/json/serialize.hpp>

#include "base/text.h"

namespace retrust {
namespace {

/// A change is announced before it is made: by then all that came before must be on the disk.
bool precedes_change(EventKind kind) {
  return kind == EventKind::change || kind == EventKind::run_ended;
}

/// When transcript.md is brought up to date: before each change and each wait, for that is when a
/// run is killed. transcript.jsonl has every event at once.
bool is_landmark(EventKind kind) {
  return kind == EventKind::change || kind == EventKind::wait_started ||
         kind == EventKind::run_ended;
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

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  events_.push_back(event);
  const auto over = event.kind == EventKind::run_ended;
  if (events_.size() > 1 && !is_landmark(event.kind)) return;
  file_.rewrite(document(events_));
  if (over) file_.sync();
}

}  // namespace retrust
