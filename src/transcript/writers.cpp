#include "transcript/writers.h"

#include <boost/json/serialize.hpp>

namespace retrust {
namespace {

/// True for events that update transcript.md: each change, each wait, and the end, because a run is
/// often killed in these. transcript.jsonl has every event at once.
bool is_landmark(const Event& event) {
  return event.is<Change, WaitStarted, RunEnded>();
}

}  // namespace

bool is_momentary(const Event& event) {
  return event.is<WaitProgress>() && event.weight == Weight::routine;
}

std::string json_line(const Event& event) {
  return boost::json::serialize(to_json(event));
}

void JsonlWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  file_.write(json_line(event) + "\n");
  // A change is announced before it is made, and the disk must then have all earlier events.
  if (event.is<Change, RunEnded>()) file_.sync();
}

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  events_.push_back(event);
  if (events_.size() > 1 && !is_landmark(event)) return;
  file_.rewrite(document(events_));
  if (event.is<RunEnded>()) file_.sync();
}

}  // namespace retrust
