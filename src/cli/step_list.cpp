#include "cli/step_list.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "transcript/members.h"
#include "transcript/text.h"

namespace retrust {
void StepList::see(const Event& event, Time now) {
  switch (event.kind) {
    case EventKind::plan: {
      entries_.clear();
      const auto* steps = event.data.if_contains("steps");
      if (steps == nullptr || !steps->is_array()) break;
      for (const auto& step : steps->get_array()) {
        if (!step.is_object()) continue;
        const auto need = text_in(step.get_object(), "need");
        if (need != "needed" && need != "depends") continue;
        entries_.push_back({text_in(step.get_object(), "section"),
                            text_in(step.get_object(), "name"),
                            need == "needed" ? Mark::ahead : Mark::if_need_be});
      }
      break;
    }
    case EventKind::step_started: {
      state_ = State::running;
      const auto name = text_in(event.data, "name");
      auto entry = std::find_if(entries_.begin(), entries_.end(),
                                [&](const Entry& each) { return each.name == name; });
      if (entry == entries_.end()) {
        entries_.push_back({event.section, name});
        entry = std::prev(entries_.end());
      }
      entry->mark = Mark::working;
      entry->since = now;
      break;
    }
    case EventKind::wait_started:
      if (auto* entry = working()) {
        entry->wait = event.text;
        entry->seen.clear();
      }
      break;
    case EventKind::wait_progress:
      if (auto* entry = working()) entry->seen = event.text;
      break;
    case EventKind::wait_ended:
      if (auto* entry = working()) {
        entry->wait.clear();
        entry->seen.clear();
      }
      break;
    case EventKind::step_ended:
      if (auto* entry = working()) {
        const auto done = text_in(event.data, "result").empty();
        finish(*entry, done ? Mark::done : Mark::failed, now);
      }
      break;
    case EventKind::failure:
      if (auto* entry = working()) finish(*entry, Mark::failed, now);
      break;
    case EventKind::run_ended:
      if (auto* entry = working()) finish(*entry, Mark::failed, now);
      state_ = State::over;
      break;
    default:
      break;
  }
}

std::vector<std::string> StepList::lines(Time now) const {
  std::vector<std::string> lines;
  for (const auto& entry : entries_) {
    const auto begun = entry.mark != Mark::ahead && entry.mark != Mark::if_need_be;
    // What was not needed in the end, or was not reached, is no part of what was done.
    if (state_ == State::over && !begun) continue;
    auto line = fmt::format("{} {}  {:<20}", symbol(entry.mark), entry.section, entry.name);
    if (entry.mark == Mark::working) {
      const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - entry.since);
      line += fmt::format("  {} s", elapsed.count());
      if (!entry.wait.empty()) line += "  waiting " + entry.wait;
      if (!entry.seen.empty()) line += ": " + entry.seen;
    } else if (begun) {
      line += "  " + duration_text(entry.took);
    } else if (entry.mark == Mark::if_need_be) {
      line += "  if need be";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string_view StepList::symbol(Mark mark) const {
  const auto unicode = symbols_ == Symbols::unicode;
  switch (mark) {
    case Mark::ahead:
    case Mark::if_need_be:
      return unicode ? "·" : ".";
    case Mark::working:
      return unicode ? "▸" : ">";
    case Mark::done:
      return unicode ? "✓" : "+";
    case Mark::failed:
      return unicode ? "✗" : "x";
  }
  return " ";
}

StepList::Entry* StepList::working() {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [](const Entry& entry) { return entry.mark == Mark::working; });
  return found == entries_.end() ? nullptr : &*found;
}

void StepList::finish(Entry& entry, Mark mark, Time now) const {
  entry.mark = mark;
  entry.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.since);
  entry.wait.clear();
  entry.seen.clear();
}

}  // namespace retrust
