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

/// Why `etcd-snapshot save` took none, in words for the operator. Refuses (4). `data` is the folder
/// in which it keeps its data. Pure.
Failure explain_k3s(Distribution distribution, const Outcome& outcome, const std::string& data);

/// What is said where there is no etcd to be snapshot.
Failure no_etcd(Distribution distribution, const std::string& data, std::string detail = {});
/// What is said on a node that is no server.
Failure no_server(Distribution distribution, std::string detail = {});

/// The one place that knows how k3s and rke2 are spoken to. Every command is announced as an event.
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

  /// "k3s version v1.30.6+k3s1 (1829eaae)". TerminalStyle for the program on PATH, and where its
  /// installer puts it. Throws Failure (usage) where there is none.
  boost::asio::awaitable<DisplayText> version();

  /// uid of kube-system as the node's own kubectl sees it: which cluster the node is of. Throws
  /// Failure (refused) where it cannot say.
  boost::asio::awaitable<std::string> cluster_uid(std::string data) const;

  /// `etcd-snapshot save`, however long it takes. Throws Failure (refused) where none was taken, or
  /// Interrupted.
  boost::asio::awaitable<K3sSnapshotLog> save_snapshot(std::string name, std::string data) const;

  /// `etcd-snapshot ls`; empty where it fails.
  boost::asio::awaitable<ListedSnapshot> find(std::string name) const;

  /// The absolute path of the program that version() found.
  const std::string& program() const { return program_; }
  /// The same as it was found.
  const std::string& named() const { return name_; }

  static Arguments save_args(const std::string& name);

 private:
  boost::asio::awaitable<Outcome> start(Arguments args, std::string section,
                                        std::chrono::milliseconds deadline, Weight weight) const;
  boost::asio::awaitable<Outcome> start_program(std::string program, Arguments args,
                                                std::string section,
                                                std::chrono::milliseconds deadline,
                                                Weight weight) const;

  Runner* runner_;
  EventSink* events_;
  Distribution distribution_;
  std::string name_;     ///< as it was found
  std::string program_;  ///< its absolute path
  std::chrono::milliseconds command_timeout_;
};

}  // namespace retrust
