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
  const auto before = file_.size();
  file_.write(json_line(event) + "\n");
  // A change is announced before it is made, and the disk must then have all earlier events.
  if (!event.is<Change, RunEnded>()) return;
  try {
    file_.sync();
  } catch (...) {
    // The end of the run is told once, and the change is not made.
    file_.take_back(before);
    throw;
  }
}

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  // A second end corrects the first.
  if (event.is<RunEnded>() && !events_.empty() && events_.back().is<RunEnded>()) {
    events_.pop_back();
  }
  events_.push_back(event);
  if (events_.size() > 1 && !is_landmark(event)) return;
  replace_file(folder_, "transcript.md", document(events_));
  if (event.is<RunEnded>()) folder_.synchronise();
}

}  // namespace retrust
