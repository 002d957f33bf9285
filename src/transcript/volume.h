#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// Bytes of one text of an event, in UTF-8.
inline constexpr std::size_t most_text = 8192;
/// Reports of progress of one wait that are written down.
inline constexpr std::size_t most_progress = 40;
/// Different warnings of one run; each is told once.
inline constexpr std::size_t most_warnings = 100;

/// Keeps the transcripts of a run under 1 MiB, however much a cluster or a child says: drops what
/// repeats, shortens what is long, and counts what is left out.
class Volume {
 public:
  /// The events to pass on in the place of a masked one: none, or it behind what tells how much was
  /// left out before.
  std::vector<Event> admitted(Event event);

 private:
  struct Wait {
    std::string last;
    std::size_t written = 0;
    std::size_t left_out = 0;
    std::chrono::system_clock::time_point drawn = {};
  };
  enum class Verdict { passes, is_left_out };

  Verdict see_progress(Event& event);
  Verdict see_warning(const Event& event);
  /// The lines that were not told before, apart from numbers in them.
  std::string new_lines(std::string_view aside);
  /// What was left out of the waits that the event ends, and in the end of the run.
  std::vector<Event> left_out_before(const Event& event);
  void shorten(Event& event) const;

  std::map<std::string, Wait> waits_;  ///< by section
  std::set<std::string> warnings_;
  /// Lines that commands said to the operator alone: several at once say the same.
  std::set<std::string> asides_;
  std::size_t warnings_left_out_ = 0;
  std::size_t events_left_out_ = 0;
  std::size_t written_ = 0;  ///< bytes of transcript.jsonl
};

}  // namespace retrust
