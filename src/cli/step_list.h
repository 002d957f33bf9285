#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// The steps of a run as a terminal shows them below everything else, brought up to date in place.
/// Pure: follows events, and prints nothing.
class StepList {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Symbols { ascii, unicode };

  explicit StepList(Symbols symbols) : symbols_(symbols) {}

  void see(const Event& event, Time now);

  /// There is something to show: the first step was started, and the run is not over.
  bool active() const { return state_ == State::running; }
  /// A line for each step that was, is or may have to be done; none longer than needed.
  std::vector<std::string> lines(Time now) const;

 private:
  enum class Mark { ahead, if_need_be, working, done, failed };
  struct Entry {
    std::string section;
    std::string name;
    Mark mark = Mark::ahead;
    Time since = {};
    std::chrono::milliseconds took{0};
    std::string wait = {};
    std::string seen = {};
  };
  std::string_view symbol(Mark mark) const;
  Entry* working();
  void finish(Entry& entry, Mark mark, Time now) const;

  Symbols symbols_;
  enum class State { planned, running, over } state_ = State::planned;
  std::vector<Entry> entries_;
};

}  // namespace retrust
