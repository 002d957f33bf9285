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

/// Limit in bytes of one text of an event, in UTF-8.
inline constexpr std::size_t most_text = 8192;
/// Limit of written progress reports of one wait.
inline constexpr std::size_t most_progress = 40;
/// Limit of different warnings of one run. Each is told once.
inline constexpr std::size_t most_warnings = 100;

/// Keeps the transcripts of a run under 1 MiB, however much a cluster or a child says. Drops
/// repetitions, shortens long texts, and counts omissions.
class Volume {
 public:
  /// The events to pass on for a masked event: none, or the event behind a report of earlier
  /// omissions.
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
  /// The lines that are new.
  std::string new_lines(std::string_view aside);
  /// Reports of omissions: from the waits that the event ends, and at the end of the run.
  std::vector<Event> left_out_before(const Event& event);
  void shorten(Event& event) const;

  std::map<std::string, Wait> waits_;  ///< waits by section
  std::set<std::string> warnings_;
  /// Lines of commands for the operator alone. Several commands at once print the same lines.
  std::set<std::string> asides_;
  std::size_t warnings_left_out_ = 0;
  std::size_t events_left_out_ = 0;
  std::size_t written_ = 0;  ///< bytes of transcript.jsonl so far
};

}  // namespace retrust
