#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "choices/backup_choice.h"
#include "process/process.h"
#include "tools/arguments.h"
#include "tools/k3s_log.h"
#include "transcript/event.h"

namespace retrust {

/// The failure of an `etcd-snapshot save` that took no snapshot. Refuses (4). `data` is the data
/// folder of k3s or rke2. Pure.
Failure explain_k3s(Distribution distribution, const Outcome& outcome, const std::string& data);

/// The failure for a node without etcd.
Failure no_etcd(Distribution distribution, const std::string& data, std::string detail = {});
/// The failure for a node that is no server.
Failure no_server(Distribution distribution, std::string detail = {});

/// A client of k3s and rke2, the one place that knows their command lines. Every command is
/// announced as an event.
class K3s {
 public:
  /// The references must outlive this and its copies.
  K3s(Runner& runner, EventSink& events, Distribution distribution,
      std::chrono::milliseconds command_timeout)
      : runner_(&runner),
        events_(&events),
        distribution_(distribution),
        command_timeout_(command_timeout) {}

  Distribution distribution() const { return distribution_; }

  /// The version line, e.g. "k3s version v1.30.6+k3s1 (1829eaae)". Looks for the program on PATH
  /// and in its installer's folders. Throws Failure (usage) if there is none.
  boost::asio::awaitable<DisplayText> version();

  /// The uid of kube-system by the node's own kubectl, which identifies the cluster of the node.
  /// Throws Failure (refused) if the kubectl gives none.
  boost::asio::awaitable<std::string> cluster_uid(std::string data) const;

  /// Runs `etcd-snapshot save`, without a deadline. Throws Failure (refused) if no snapshot was
  /// taken, or Interrupted.
  boost::asio::awaitable<K3sSnapshotLog> save_snapshot(std::string name, std::string data) const;

  /// Finds a snapshot by `etcd-snapshot ls`. Returns an empty entry if the command fails.
  boost::asio::awaitable<ListedSnapshot> find(std::string name) const;

  /// The absolute path of the program that version() found.
  const std::string& program() const { return program_; }
  /// The program as version() found it: a name or a path.
  const std::string& named() const { return name_; }

  static Arguments save_args(const std::string& name);

 private:
  boost::asio::awaitable<Outcome> start(Arguments args, std::string section, TimeLimit deadline,
                                        Weight weight) const;
  boost::asio::awaitable<Outcome> start_program(std::string program, Arguments args,
                                                std::string section, TimeLimit deadline,
                                                Weight weight) const;

  Runner* runner_;
  EventSink* events_;
  Distribution distribution_;
  std::string name_;     ///< the program as found: a name or a path
  std::string program_;  ///< absolute path of the program
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
