#include "ui/step_list.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "base/text.h"
#include "transcript/plan_text.h"

namespace retrust {
namespace {

long long seconds_since(StepList::Time since, StepList::Time now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
}

/// A command that takes longer is shown as awaited.
constexpr std::chrono::milliseconds quick{400};

/// What a command is awaited for, for a line that begins with "waiting".
std::string wait_text(const CommandStarted& command, std::string_view line) {
  if (command.cluster.empty()) return fmt::format("for {}", line);
  return fmt::format("for the {} cluster: {}", command.cluster, line);
}

/// Adds the line on up to 3 rows if there is room, else on 1. The last row may be too long.
void add_wrapped(std::vector<ToneLine>& lines, std::string_view line, TerminalSize room,
                 std::size_t hanging) {
  const std::size_t most = room.rows < 12 ? 1 : 3;
  const auto rows = wrapped(line, room.columns, hanging);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i < most) {
      lines.push_back({rows[i]});
    } else {
      lines.back().text += " " + rows[i].substr(hanging);
    }
  }
}

}  // namespace

void StepList::see(const Event& event, Time now) {
  if (const auto* plan = std::get_if<PlanMade>(&event.what)) {
    entries_.clear();
    for (const auto& step : plan->steps) {
      if (!comes(step.need)) continue;
      entries_.push_back(
          {step.section, step.name, step.need == Need::depends ? Mark::if_needed : Mark::ahead});
    }
  } else if (const auto* step = std::get_if<StepStarted>(&event.what)) {
    state_ = State::running;
    waits_.clear();
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& each) { return each.name == step->name; });
    if (entry == entries_.end()) {
      entries_.push_back({event.section, step->name});
      entry = std::prev(entries_.end());
    }
    entry->mark = Mark::working;
    entry->since = now;
  } else if (event.is<WaitStarted>()) {
    waits_.push_back({event.text, {}, now});
  } else if (event.is<WaitProgress>()) {
    if (!waits_.empty()) waits_.back().seen = event.text;
  } else if (event.is<WaitEnded>()) {
    if (!waits_.empty()) waits_.pop_back();
  } else if (const auto* ended = std::get_if<StepEnded>(&event.what)) {
    // Another result than "done" is no failure: the run goes on.
    finish(Mark::done, now, ended->result);
  } else if (const auto* command = std::get_if<CommandStarted>(&event.what)) {
    if (command->life == Life::lasting) return;
    commands_.push_back({command->id, {wait_text(*command, event.text), {}, now}});
  } else if (const auto* done = std::get_if<CommandEnded>(&event.what)) {
    std::erase_if(commands_, [&](const AwaitedCommand& each) { return each.id == done->id; });
  } else if (event.is<FailureTold, RunEnded>()) {
    commands_.clear();
    finish(Mark::failed, now);
    state_ = State::over;
  }
}

const StepList::Wait* StepList::awaited(Time now) const {
  if (!waits_.empty()) return &waits_.back();
  if (commands_.empty() || now - commands_.front().wait.since < quick) return nullptr;
  return &commands_.front().wait;
}

std::vector<ToneLine> StepList::going_on(Time now, TerminalSize room) const {
  std::vector<ToneLine> lines;
  const auto at_work = working();
  if (at_work != entries_.end()) lines.push_back(line(*at_work, now));
  const auto* shown = awaited(now);
  if (shown == nullptr) return lines;
  const auto& wait = *shown;
  // The last progress replaces the wait's goal, because it says more.
  if (at_work != entries_.end()) {
    const auto text = wait.seen.empty() ? "waiting " + wait.text : wait.seen;
    add_wrapped(lines, "       " + text, room, 7);
    return lines;
  }
  const auto text = fmt::format("waiting {} s {}", seconds_since(wait.since, now), wait.text);
  add_wrapped(lines, "  " + text, room, 4);
  if (!wait.seen.empty()) add_wrapped(lines, "    " + wait.seen, room, 4);
  return lines;
}

std::vector<ToneLine> StepList::lines(Time now, TerminalSize room) const {
  const auto rows = room.rows;
  auto middle = going_on(now, room);
  if (state_ != State::running) return middle;
  // Between two steps the next step is the present one.
  auto current = working();
  if (current == entries_.end()) {
    current = std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
      return entry.mark == Mark::ahead || entry.mark == Mark::if_needed;
    });
  }
  const auto count = [](auto from, auto to) { return static_cast<std::size_t>(to - from); };
  const auto at_work = working() == entries_.end() ? 0 : 1;
  const auto before = count(entries_.begin(), current);
  const auto after = count(current, entries_.end()) -
                     static_cast<std::size_t>(current != entries_.end() && at_work);
  std::size_t left_before = 0;
  std::size_t left_after = 0;
  const auto height = [&] {
    return before - left_before + std::min<std::size_t>(left_before, 1) + middle.size() + after -
           left_after + std::min<std::size_t>(left_after, 1);
  };
  while (height() > rows && left_before < before) ++left_before;
  while (height() > rows && left_after < after) ++left_after;
  // The numbers of omitted steps are omitted too if they do not fit.
  auto over = height() > rows ? height() - rows : 0;
  const auto tells_after = left_after > 0 && over == 0;
  if (left_after > 0 && over > 0) --over;
  const auto tells_before = left_before > 0 && over == 0;

  std::vector<ToneLine> lines;
  if (tells_before) {
    lines.push_back({fmt::format("{} {} earlier", more(), left_before), Tone::faint});
  }
  for (auto entry = entries_.begin() + static_cast<std::ptrdiff_t>(left_before); entry != current;
       ++entry) {
    lines.push_back(line(*entry, now));
  }
  lines.insert(lines.end(), middle.begin(), middle.end());
  const auto last = entries_.end() - static_cast<std::ptrdiff_t>(left_after);
  for (auto entry = current + at_work; entry < last; ++entry) lines.push_back(line(*entry, now));
  if (tells_after) {
    lines.push_back({fmt::format("{} {} more", more(), left_after), Tone::faint});
  }
  lines.resize(std::min(lines.size(), rows));
  return lines;
}

std::vector<ToneLine> StepList::summary() const {
  std::vector<ToneLine> lines;
  for (const auto& entry : entries_) {
    // Steps that were not needed or not reached were not done.
    if (entry.mark != Mark::done && entry.mark != Mark::failed) continue;
    lines.push_back(line(entry, {}));
  }
  return lines;
}

ToneLine StepList::line(const Entry& entry, Time now) const {
  auto text = fmt::format("{} {}  {:<20}", symbol(entry.mark), entry.section, entry.name);
  auto tone = Tone::faint;
  switch (entry.mark) {
    case Mark::ahead:
      break;
    case Mark::if_needed:
      text += "  if needed";
      break;
    case Mark::working:
      text += fmt::format("  {} s", seconds_since(entry.since, now));
      tone = Tone::working;
      break;
    case Mark::done:
    case Mark::failed:
      text += fmt::format("  {:<7} {}", duration_text(entry.took), entry.word);
      tone = entry.mark == Mark::done ? Tone::good : Tone::bad;
      break;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return {std::move(text), tone};
}

std::string_view StepList::symbol(Mark mark) const {
  const auto unicode = symbols_ == Symbols::unicode;
  switch (mark) {
    case Mark::ahead:
    case Mark::if_needed:
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

std::vector<StepList::Entry>::const_iterator StepList::working() const {
  return std::find_if(entries_.begin(), entries_.end(),
                      [](const Entry& entry) { return entry.mark == Mark::working; });
}

void StepList::finish(Mark mark, Time now, const std::string& word) {
  waits_.clear();
  for (auto& entry : entries_) {
    if (entry.mark != Mark::working) continue;
    entry.mark = mark;
    entry.word = word;
    entry.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.since);
  }
}

}  // namespace retrust
