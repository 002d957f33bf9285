#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"
#include "ui/layout.h"

namespace retrust {

/// The steps of a run and the present wait, for an updated display at the bottom of a terminal.
/// Pure: follows events, and prints nothing.
class StepList {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Symbols { ascii, unicode };

  explicit StepList(Symbols symbols) : symbols_(symbols) {}

  void see(const Event& event, Time now);

  /// True if something goes on: a step was started and none has failed, or a wait lasts, or a
  /// command is awaited.
  bool active() const { return state_ == State::running || !waits_.empty() || !commands_.empty(); }
  /// Lines to draw now, within the room. Omits the oldest done steps first if there are more lines,
  /// then the steps furthest ahead. The present step and wait always stay.
  std::vector<ToneLine> lines(Time now, TerminalSize room) const;
  /// Lines for the end of a run, one for each step that was begun.
  std::vector<ToneLine> summary() const;
  /// Mark of a cut text.
  std::string_view more() const { return symbols_ == Symbols::unicode ? "…" : "..."; }

 private:
  enum class Mark { ahead, if_needed, working, done, failed };
  struct Entry {
    std::string section;
    std::string name;
    Mark mark = Mark::ahead;
    std::string word = {};  ///< the result, if it is not "done"
    Time since = {};
    std::chrono::milliseconds took{0};
  };
  struct Wait {
    std::string text;
    std::string seen;
    Time since;
  };
  struct AwaitedCommand {
    std::int64_t id;
    Wait wait;
  };
  /// What to show as awaited: the last wait, else the command that has taken longest, if it takes
  /// long. May be null.
  const Wait* awaited(Time now) const;
  std::string_view symbol(Mark mark) const;
  ToneLine line(const Entry& entry, Time now) const;
  std::vector<ToneLine> going_on(Time now, TerminalSize room) const;
  std::vector<Entry>::const_iterator working() const;
  void finish(Mark mark, Time now, const std::string& word = {});

  Symbols symbols_;
  enum class State { planned, running, over } state_ = State::planned;
  std::vector<Entry> entries_;
  std::vector<Wait> waits_;  ///< a wait for a server can begin inside another wait
  std::vector<AwaitedCommand> commands_;
};

}  // namespace retrust
