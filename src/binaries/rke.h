#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "process/process.h"
#include "transcript/event.h"

namespace retrust {

/// What `rke etcd snapshot-save` said, which is more than its exit status: since 1.3.13 it ends
/// with 0 where only some hosts failed, and in every version a host that it cannot reach is left
/// out with a warning (rancher/rke cluster/etcd.go, cluster/hosts.go).
struct SnapshotLog {
  std::string version;                   ///< e.g. v1.6.3; rke before 0.3.0 does not say it
  std::vector<std::string> hosts;        ///< on which a snapshot was begun
  std::vector<std::string> unreachable;  ///< left out before
  std::vector<std::string> warnings;     ///< every other warning and error, in its own words
  bool some_failed = false;              ///< of the hosts; which is not said
  enum class Taken { nowhere, somewhere, everywhere } taken = Taken::nowhere;
};

/// Reads rke's log lines, in both of logrus' formats.
SnapshotLog read_snapshot_log(std::string_view text);

/// Whether a snapshot can be called so: rke hands the name unquoted to a shell on the nodes, and
/// rke-tools deletes by age what begins as its own do (c-…-).
bool is_snapshot_name(std::string_view name);

/// What is made of a snapshot that is not on every etcd host.
enum class Partial { refused, tolerated };

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
  boost::asio::awaitable<std::string> version();

  /// `rke etcd snapshot-save`, however long it takes. Throws Failure (refused) where it failed or
  /// left a host out unless that is tolerated, or Interrupted.
  boost::asio::awaitable<SnapshotLog> save_snapshot(std::string name, std::string config,
                                                    Partial partial) const;

  /// The absolute path of the program that version() found.
  const std::string& program() const { return program_; }

  static std::vector<std::string> save_args(const std::string& name, const std::string& config);

 private:
  boost::asio::awaitable<Outcome> start(std::vector<std::string> args, std::string section,
                                        std::chrono::milliseconds deadline, Weight weight) const;

  Runner* runner_;
  EventSink* events_;
  std::string name_;     ///< as given, or as found
  std::string program_;  ///< its absolute path, once it is found
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
