#include "transcript/volume.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/shortened.h"
#include "base/text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

using std::chrono::milliseconds;

/// From so many bytes of a transcript on texts are kept short, then only what a run cannot be
/// understood without is written, then that is kept very short, then only the end is
/// written.
constexpr std::size_t plenty = 256 * 1024;
constexpr std::size_t too_much = 640 * 1024;
constexpr std::size_t almost_full = 768 * 1024;
constexpr std::size_t full = 896 * 1024;

constexpr std::size_t most_detail = 2048;
/// Between two drawings of what only a terminal shows.
constexpr milliseconds drawing_pause{100};

bool is_essential(EventKind kind) {
  switch (kind) {
    case EventKind::finding:
    case EventKind::difference:
    case EventKind::command_started:
    case EventKind::command_ended:
    case EventKind::wait_progress:
    case EventKind::warning:
      return false;
    default:
      return true;
  }
}

/// What was changed is evidence, and rollback compares the digests that it records.
bool is_always_told(EventKind kind) {
  return kind == EventKind::change || kind == EventKind::failure || kind == EventKind::run_ended;
}

/// Nobody consents to what is not shown: a plan is shown whole up to this.
constexpr std::size_t most_plan = 64 * 1024;

bool has_lines(EventKind kind) {
  return kind == EventKind::difference || kind == EventKind::plan || kind == EventKind::finding;
}

/// Texts of data that keep their lines: a reader sees them indented or in a block.
bool has_lines(std::string_view member) {
  return member == "output" || member == "detail" || member == "command_line";
}

/// Of the limit, what the mark of a shortened text takes.
constexpr std::size_t mark = 64;

std::string limited(std::string_view text, std::size_t limit, std::size_t total = 0) {
  return text.size() <= limit ? std::string(text) : shortened(text, limit - mark, total);
}

void limit_texts(boost::json::value& value, std::size_t limit) {
  if (auto* text = value.if_string()) {
    if (text->size() > limit) *text = limited(*text, limit);
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) limit_texts(element, limit);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) limit_texts(member.value(), limit);
  }
}

/// As many elements as fit, and the number of the others.
void limit_list(boost::json::array& list, std::size_t limit) {
  std::size_t size = 0;
  auto kept = list.begin();
  while (kept != list.end()) {
    size += boost::json::serialize(*kept).size();
    if (size > limit) break;
    ++kept;
  }
  if (kept == list.end()) return;
  const auto left_out = std::distance(kept, list.end());
  list.erase(kept, list.end());
  list.emplace_back(fmt::format("… {} more", left_out));
}

}  // namespace

std::vector<Event> Volume::admitted(Event event) {
  auto verdict = Verdict::passes;
  if (event.kind == EventKind::wait_progress) verdict = see_progress(event);
  if (event.kind == EventKind::warning) verdict = see_warning(event);
  if (verdict == Verdict::is_left_out) return {};
  const auto fits = written_ <= (is_essential(event.kind) ? full : too_much);
  if (!fits && !is_always_told(event.kind) && !is_momentary(event)) {
    ++events_left_out_;
    return {};
  }
  shorten(event);
  event.aside = new_lines(event.aside);
  auto passed = left_out_before(event);
  passed.push_back(std::move(event));
  for (const auto& each : passed) {
    if (!is_momentary(each)) written_ += json_line(each).size();
  }
  return passed;
}

Volume::Verdict Volume::see_progress(Event& event) {
  auto& wait = waits_[event.section];
  if (event.text == wait.last) return Verdict::is_left_out;
  if (event.weight == Weight::documented && wait.written < most_progress) {
    ++wait.written;
  } else {
    if (event.weight == Weight::documented) ++wait.left_out;
    event.weight = Weight::routine;
    const auto since = event.time - wait.drawn;
    if (since >= milliseconds{0} && since < drawing_pause) return Verdict::is_left_out;
    wait.drawn = event.time;
  }
  wait.last = event.text;
  return Verdict::passes;
}

Volume::Verdict Volume::see_warning(const Event& event) {
  if (warnings_.size() < most_warnings && warnings_.insert(event.text).second) {
    return Verdict::passes;
  }
  ++warnings_left_out_;
  return Verdict::is_left_out;
}

std::string Volume::new_lines(std::string_view aside) {
  std::string told;
  for (const auto& line : split_lines(aside)) {
    if (asides_.size() < most_warnings && asides_.insert(line).second) told += line + "\n";
  }
  return told;
}

std::vector<Event> Volume::left_out_before(const Event& event) {
  std::vector<Event> told;
  const auto over = event.kind == EventKind::failure || event.kind == EventKind::run_ended;
  const auto ends = [&](const std::string& section) {
    return over ||
           ((event.kind == EventKind::wait_started || event.kind == EventKind::wait_ended) &&
            event.section == section);
  };
  for (auto wait = waits_.begin(); wait != waits_.end();) {
    if (!ends(wait->first)) {
      ++wait;
      continue;
    }
    if (const auto count = wait->second.left_out; count > 0) {
      told.push_back(
          {.kind = EventKind::wait_progress,
           .section = wait->first,
           .text = fmt::format("{} of progress left out here", counted(count, "more report"))});
    }
    wait = waits_.erase(wait);
  }
  const auto tell = [&](std::size_t& count, std::string_view noun, std::string_view why) {
    if (count == 0) return;
    // Of no use to the operator who waits at the terminal.
    told.push_back(
        {.kind = EventKind::finding,
         .text = fmt::format("{} left out of the transcript: {}", counted(count, noun), why),
         .weight = Weight::routine});
    count = 0;
  };
  if (over) {
    tell(warnings_left_out_, "warning", "the same words had come before, or too many others");
    tell(events_left_out_, "event", "the transcript would have become too large");
  }
  for (auto& each : told) each.time = event.time;
  return told;
}

void Volume::shorten(Event& event) const {
  const auto limit = written_ > almost_full ? 256 : written_ > plenty ? 1024 : most_text;
  // Two events name a command: by the same words.
  const auto is_command =
      event.kind == EventKind::command_started || event.kind == EventKind::command_ended;
  const auto is_plan = event.kind == EventKind::plan;
  event.text = limited(event.text, is_plan ? most_plan : is_command ? most_text : limit);
  if (!has_lines(event.kind)) event.text = one_line(event.text);
  const auto* bytes = event.data.if_contains("outputBytes");
  const auto total = bytes != nullptr && bytes->is_uint64() ? bytes->get_uint64() : 0;
  for (auto& member : event.data) {
    auto& value = member.value();
    if (auto* text = value.if_string()) {
      const std::string_view key = member.key();
      const auto most = key == "command" && is_command ? most_text
                        : key == "detail"              ? std::min<std::size_t>(limit, most_detail)
                                                       : limit;
      auto shown = limited(*text, most, key == "output" ? total : 0);
      *text = has_lines(key) ? shown : one_line(shown);
      continue;
    }
    limit_texts(value, limit);
    auto* list = event.kind == EventKind::change ? nullptr : value.if_array();
    if (list != nullptr) limit_list(*list, 8 * limit);
  }
}

}  // namespace retrust
