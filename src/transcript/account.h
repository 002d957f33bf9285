#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transcript/event.h"

namespace retrust {

using Time = std::chrono::system_clock::time_point;

/// A command from its start to its end.
struct CommandRun {
  std::int64_t id = 0;
  Time started;
  std::string section;
  std::string line;
  std::string given;  ///< its standard input, in words
  Weight weight = Weight::documented;
  std::string ending = {};  ///< exit status or signal in words; empty while it runs
  std::string took = {};
  std::string output = {};
};

/// One thing that happened in a part: an event, or a command.
struct Happening {
  std::size_t order = 0;  ///< rank of its beginning among all events
  std::optional<Event> event = {};
  std::optional<CommandRun> command = {};
};

/// Events of one step, or outside any step: `name` is empty then.
struct Part {
  std::string section = {};
  std::string name = {};
  std::string reason = {};
  Time started = {};
  std::optional<Time> ended = {};
  std::string result = "not ended";  ///< result in a word or two
  std::string outcome = {};          ///< result in a sentence
  std::vector<Happening> happenings = {};
};

/// Content of a transcript, in the order of a reader.
struct Account {
  std::string title = "retrust";
  RunStarted run = {};
  Time started = {};
  Time last = {};
  std::optional<RunEnded> end = {};
  std::string failed = {};  ///< text of the failure
  std::optional<FailureTold> failure = {};
  Finding facts = {};  ///< merged from all findings
  std::vector<ShownStep> plan = {};
  std::vector<Part> parts = {};  ///< the first part precedes the first step
  std::vector<CommandRun> routine = {};
  std::vector<Event> changes = {};
  std::vector<Event> warnings = {};
  std::vector<Event> clusters = {};  ///< ends of several clusters
};

/// Reads the events of a run. Pure.
Account account_of(const std::vector<Event>& events);

}  // namespace retrust
