#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "choices/backup_choice.h"
#include "process/process.h"
#include "tools/arguments.h"
#include "tools/rke_log.h"
#include "transcript/event.h"

namespace retrust {

/// The one place that knows how rke is spoken to. Every command is announced as an event.
class Rke {
 public:
  /// `program`: a path or a name; empty means rke or rke_linux-amd64, whichever is on PATH. The
  /// references must outlive this and its copies.
  Rke(Runner& runner, EventSink& events, std::string program,
      std::chrono::milliseconds command_timeout)
      : runner_(&runner),
        events_(&events),
        name_(std::move(program)),
        command_timeout_(command_timeout) {}

  /// "rke version v1.6.3". Throws Failure (usage) where there is no rke.
  boost::asio::awaitable<DisplayText> version();

  /// `rke etcd snapshot-save`, however long it takes. Throws Failure (refused) where it failed or
  /// left a host out unless that is tolerated, or Interrupted.
  boost::asio::awaitable<SnapshotLog> save_snapshot(std::string name, std::string config,
                                                    Partial partial) const;

  /// The absolute path of the program that version() found.
  const std::string& program() const { return program_; }
  /// The same as it was given, or found on PATH.
  const std::string& named() const { return name_; }

  static Arguments save_args(const std::string& name, const std::string& config);

 private:
  boost::asio::awaitable<Outcome> start(Arguments args, std::string section,
                                        std::chrono::milliseconds deadline, Weight weight) const;

  Runner* runner_;
  EventSink* events_;
  std::string name_;     ///< as given, or as found
  std::string program_;  ///< its absolute path, once it is found
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
