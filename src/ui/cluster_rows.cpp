#include "ui/cluster_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/width.h"

namespace retrust {
namespace {

/// Columns for a name: a longer one is cut.
constexpr std::size_t widest_name = 28;

std::string padded(const std::string& text, std::size_t columns, std::string_view more) {
  auto shown = cut(text, columns, more);
  shown.append(columns - std::min(columns, width_of(shown)), ' ');
  return shown;
}

}  // namespace

ClusterRows::ClusterRows(std::vector<std::string> names, StepList::Symbols symbols)
    : symbols_(symbols) {
  for (auto& name : names) {
    width_ = std::max(width_, std::min(width_of(name), widest_name));
    rows_.push_back({std::move(name)});
  }
}

void ClusterRows::see(std::size_t cluster, const Event& event, Time now) {
  auto& row = rows_[cluster];
  if (row.stage == Stage::queued) {
    row.stage = Stage::looking;
    row.since = now;
  }
  if (const auto* step = std::get_if<StepStarted>(&event.what)) {
    row.stage = Stage::working;
    row.step = fmt::format("{} {}", event.section, step->name);
    row.waits.clear();
    row.since = now;
  } else if (event.is<WaitStarted>()) {
    row.waits.push_back("waiting " + event.text);
  } else if (event.is<WaitProgress>() && !row.waits.empty()) {
    row.waits.back() = event.text;
  } else if (event.is<WaitEnded>() && !row.waits.empty()) {
    row.waits.pop_back();
  }
}

void ClusterRows::waits(std::size_t cluster) {
  rows_[cluster].stage = Stage::waiting;
}

void ClusterRows::begins(std::size_t cluster, Time now) {
  auto& row = rows_[cluster];
  row.stage = Stage::looking;
  row.since = now;
}

void ClusterRows::ended(std::size_t cluster, Tone tone, std::string result) {
  auto& row = rows_[cluster];
  row.stage = Stage::over;
  row.tone = tone;
  row.result = std::move(result);
}

std::vector<ToneLine> ClusterRows::lines(Time now, TerminalSize room) const {
  std::vector<const Row*> shown;
  const auto take = [&](const auto& fits) {
    for (const auto& row : rows_) {
      // The last line is for the others.
      if (shown.size() + 1 < room.rows && fits(row)) shown.push_back(&row);
    }
  };
  take([](const Row& row) { return row.stage == Stage::working; });
  take([](const Row& row) { return row.stage == Stage::looking; });
  take([](const Row& row) { return row.stage == Stage::over && row.tone == Tone::bad; });
  if (rows_.size() < room.rows) {
    shown.clear();
    take([](const Row&) { return true; });
  }
  std::vector<const Row*> rest;
  for (const auto& row : rows_) {
    if (std::find(shown.begin(), shown.end(), &row) == shown.end()) rest.push_back(&row);
  }
  std::vector<ToneLine> lines;
  for (const auto* row : shown) lines.push_back(line(*row, now));
  if (!rest.empty() && room.rows > 0) {
    lines.push_back({fmt::format("{} {}", more(), others(rest)), Tone::faint});
  }
  return lines;
}

std::string ClusterRows::others(const std::vector<const Row*>& rows) const {
  std::map<std::string, std::size_t> over;
  std::size_t to_come = 0;
  std::size_t at_work = 0;
  for (const auto* row : rows) {
    if (row->stage == Stage::over) {
      ++over[row->result];
    } else if (row->stage == Stage::working || row->stage == Stage::looking) {
      ++at_work;
    } else {
      ++to_come;
    }
  }
  std::string text;
  const auto add = [&](std::size_t count, std::string_view what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  for (const auto& [result, count] : over) add(count, result);
  add(at_work, "at work");
  add(to_come, "to come");
  return text;
}

std::string_view ClusterRows::symbol(Tone tone) const {
  const auto unicode = symbols_ == StepList::Symbols::unicode;
  switch (tone) {
    case Tone::working:
      return unicode ? "▸" : ">";
    case Tone::good:
      return unicode ? "✓" : "+";
    case Tone::bad:
      return unicode ? "✗" : "x";
    case Tone::plain:
    case Tone::faint:
      break;
  }
  return unicode ? "·" : ".";
}

ToneLine ClusterRows::line(const Row& row, Time now) const {
  auto tone = Tone::faint;
  std::string state = "to come";
  switch (row.stage) {
    case Stage::queued:
      break;
    case Stage::waiting:
      state = "waits for its turn";
      break;
    case Stage::looking:
    case Stage::working: {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - row.since);
      tone = Tone::working;
      state =
          fmt::format("{}  {} s", row.step.empty() ? "is looked at" : row.step, seconds.count());
      if (!row.waits.empty()) state += "  " + row.waits.back();
      break;
    }
    case Stage::over:
      tone = row.tone;
      state = row.result;
      break;
  }
  return {fmt::format("{} {}  {}", symbol(tone), padded(row.name, width_, more()), state), tone};
}

}  // namespace retrust
