#include "transcript/volume.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/shortened.h"
#include "base/text.h"
#include "transcript/event_table.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

using std::chrono::milliseconds;

/// Sizes of a transcript in bytes. Above `plenty` texts are kept short. Above `too_much` only
/// essential events are written. Above `almost_full` texts are kept very short. Above `full` only
/// changes, failures and the end are written.
constexpr std::size_t plenty = 256 * 1024;
constexpr std::size_t too_much = 640 * 1024;
constexpr std::size_t almost_full = 768 * 1024;
constexpr std::size_t full = 896 * 1024;

constexpr std::size_t most_detail = 2048;
/// Pause between two drawings of progress that only a terminal shows.
constexpr milliseconds drawing_pause{100};

bool is_essential(const Event& event) {
  return !event.is<Finding, Difference, CommandStarted, CommandEnded, WaitProgress, Warning>();
}

/// True for events that are never left out: changes are evidence, and rollback compares their
/// digests.
bool is_always_told(const Event& event) {
  return event.is<Change, FailureTold, RunEnded>();
}

/// Limit of a plan that is shown whole, because nobody consents to a hidden step.
constexpr std::size_t most_plan = 64 * 1024;

/// Bytes of a limit for the mark of a shortened text.
constexpr std::size_t mark = 64;

std::string limited(std::string_view text, std::size_t limit, std::size_t total = 0) {
  return text.size() <= limit ? std::string(text) : shortened(text, limit - mark, total);
}

template <typename What>
void shorten_texts(What& what, std::size_t limit) {
  for_each_text(what, [&](std::string& text, TextShape shape) {
    auto shown = limited(text, limit);
    text = shape == TextShape::lines ? std::move(shown) : one_line(shown);
  });
}

void shorten_texts(CommandEnded& command, std::size_t limit) {
  const auto total = static_cast<std::size_t>(command.output_bytes.value_or(0));
  command.output = limited(command.output, limit, total);
  // The command is equal to the text of its start.
  auto line = one_line(limited(command.command, most_text));
  shorten_texts<CommandEnded>(command, limit);
  command.command = std::move(line);
}

void shorten_texts(FailureTold& failure, std::size_t limit) {
  failure.detail = limited(failure.detail, std::min(limit, most_detail));
  shorten_texts<FailureTold>(failure, limit);
}

/// Shortens the longest texts first, until the whole plan fits.
void shorten_texts(PlanMade& plan, std::size_t limit) {
  const auto most = limit == most_text ? most_plan : 8 * limit;
  for (auto each = most; each > 2 * mark; each /= 2) {
    std::size_t size = 0;
    shorten_texts<PlanMade>(plan, each);
    for_each_text(plan, [&](const std::string& text, TextShape) { size += text.size(); });
    if (size <= most) break;
  }
}

}  // namespace

std::vector<Event> Volume::admitted(Event event) {
  auto verdict = Verdict::passes;
  if (event.is<WaitProgress>()) verdict = see_progress(event);
  if (event.is<Warning>()) verdict = see_warning(event);
  if (verdict == Verdict::is_left_out) return {};
  const auto fits = written_ <= (is_essential(event) ? full : too_much);
  if (!fits && !is_always_told(event) && !is_momentary(event)) {
    ++events_left_out_;
    return {};
  }
  shorten(event);
  if (auto* ended = std::get_if<CommandEnded>(&event.what)) ended->aside = new_lines(ended->aside);
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
  const auto over = event.is<FailureTold, RunEnded>();
  const auto ends = [&](const std::string& section) {
    return over || (event.is<WaitStarted, WaitEnded>() && event.section == section);
  };
  for (auto wait = waits_.begin(); wait != waits_.end();) {
    if (!ends(wait->first)) {
      ++wait;
      continue;
    }
    if (const auto count = wait->second.left_out; count > 0) {
      told.push_back(
          {.what = WaitProgress{},
           .section = wait->first,
           .text = fmt::format("{} of progress left out here", counted(count, "more report"))});
    }
    wait = waits_.erase(wait);
  }
  const auto tell = [&](std::size_t& count, std::string_view noun, std::string_view why) {
    if (count == 0) return;
    // The report is of no use to an operator at the terminal.
    told.push_back(
        {.what = Finding{},
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
  // A command stays whole up to most_text, because people copy it.
  event.text = limited(event.text, event.is<CommandStarted>() ? most_text : limit);
  if (!event.is<Difference, Finding>()) event.text = one_line(event.text);
  std::visit([&](auto& what) { shorten_texts(what, limit); }, event.what);
}

}  // namespace retrust
