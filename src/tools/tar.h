#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/descriptor.h"
#include "base/display_text.h"
#include "process/process.h"
#include "tools/arguments.h"
#include "transcript/event.h"

namespace retrust {

/// A client of this machine's tar, the one place that knows its command line. Every command is
/// announced as an event.
class Tar {
 public:
  /// The references must outlive this and its copies.
  Tar(Runner& runner, EventSink& events, std::string program,
      std::chrono::milliseconds command_timeout)
      : runner_(&runner),
        events_(&events),
        program_(std::move(program)),
        command_timeout_(command_timeout) {}

  const std::string& program() const { return program_; }

  /// The version line, e.g. "tar (GNU tar) 1.34". Throws Failure (usage) if there is no tar.
  boost::asio::awaitable<DisplayText> version() const;

  /// Runs `tar -tzf -` on an open file from its beginning; the reader gets the names. Throws
  /// Failure (refused) if tar cannot read the whole file within the limit.
  boost::asio::awaitable<void> list(const Descriptor& file, std::chrono::milliseconds limit,
                                    OutputReader reader) const;

  static Arguments list_args();

 private:
  boost::asio::awaitable<Outcome> start(Arguments args, std::string section, Command command,
                                        OutputReader reader) const;

  Runner* runner_;
  EventSink* events_;
  std::string program_;
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
