#include "transcript/journal.h"

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {

void Journal::say(EventKind kind, std::string text, boost::json::object data, Weight weight) const {
  events_->emit({.kind = kind,
                 .section = section_,
                 .text = std::move(text),
                 .data = std::move(data),
                 .weight = weight});
}

void Journal::finding(std::string text) const {
  say(EventKind::finding, std::move(text));
}

void Journal::finding(std::string text, boost::json::object facts) const {
  say(EventKind::finding, std::move(text), std::move(facts));
}

void Journal::note(std::string text) const {
  say(EventKind::finding, std::move(text), {}, Weight::routine);
}

void Journal::difference(std::string diff) const {
  if (!diff.empty()) say(EventKind::difference, std::move(diff));
}

void Journal::plan(std::string text, boost::json::array steps) const {
  boost::json::object data;
  data["steps"] = std::move(steps);
  say(EventKind::plan, std::move(text), std::move(data));
}

void Journal::warning(std::string text) const {
  say(EventKind::warning, std::move(text));
}

void Journal::change(std::string text, boost::json::object data) const {
  say(EventKind::change, std::move(text), std::move(data));
}

void Journal::saved(const SavedFile& file, Weight weight) const {
  boost::json::object record;
  record["file"] = fmt::format("backup/{}", file.path.filename().string());
  record["sha256"] = file.sha256;
  say(EventKind::change,
      fmt::format("saved {} as {}{}, SHA-256 {}", file.what, file.path.string(),
                  file.bytes ? fmt::format(": {} bytes", *file.bytes) : "", file.sha256),
      std::move(record), weight);
}

void Journal::step_started(std::string_view name, std::string reason) const {
  boost::json::object data;
  data["name"] = name;
  say(EventKind::step_started, std::move(reason), std::move(data));
}

void Journal::step_ended(std::string_view name, std::string result, std::string_view word) const {
  boost::json::object data;
  data["name"] = name;
  if (!word.empty()) data["result"] = word;
  say(EventKind::step_ended, std::move(result), std::move(data));
}

void Journal::wait_started(std::string_view what, std::chrono::milliseconds limit) const {
  say(EventKind::wait_started, fmt::format("{}, {} at most", what, duration_text(limit)));
}

void Journal::wait_without_limit(std::string_view what) const {
  say(EventKind::wait_started, fmt::format("{}, without a time limit", what));
}

void Journal::wait_progress(std::string text) const {
  say(EventKind::wait_progress, std::move(text));
}

void Journal::wait_ended(std::string text, Weight weight) const {
  say(EventKind::wait_ended, std::move(text), {}, weight);
}

void Journal::progress(std::string text) const {
  say(EventKind::wait_progress, std::move(text), {}, Weight::routine);
}

}  // namespace retrust
