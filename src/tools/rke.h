#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "choices/backup_choice.h"
#include "process/process.h"
#include "tools/arguments.h"
#include "tools/rke_log.h"
#include "transcript/event.h"

namespace retrust {

/// A failure although rke took a snapshot on some hosts.
class SnapshotTaken : public Failure {
 public:
  using Failure::Failure;
};

/// A client of rke, the one place that knows its command line. Every command is announced as an
/// event.
class Rke {
 public:
  /// `program` is a path or a name; empty means rke or rke_linux-amd64, by PATH. The references
  /// must outlive this and its copies.
  Rke(Runner& runner, EventSink& events, std::string program,
      std::chrono::milliseconds command_timeout)
      : runner_(&runner),
        events_(&events),
        name_(std::move(program)),
        command_timeout_(command_timeout) {}

  /// The version line, e.g. "rke version v1.6.3". Throws Failure (usage) if there is no rke.
  boost::asio::awaitable<DisplayText> version();

  /// Runs `rke etcd snapshot-save`, without a deadline. Throws Failure (refused) if the command
  /// failed, or left out a host that `partial` does not tolerate. Throws Interrupted after a
  /// signal.
  boost::asio::awaitable<SnapshotLog> save_snapshot(std::string name, std::string config,
                                                    Partial partial) const;

  /// The absolute path of the program that version() found.
  const std::string& program() const { return program_; }
  /// The program as given, or as found on PATH.
  const std::string& named() const { return name_; }

  static Arguments save_args(const std::string& name, const std::string& config);

 private:
  boost::asio::awaitable<Outcome> start(Arguments args, std::string section, TimeLimit deadline,
                                        Weight weight) const;

  Runner* runner_;
  EventSink* events_;
  std::string name_;     ///< the program as given, or as found on PATH
  std::string program_;  ///< absolute path, once found
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
