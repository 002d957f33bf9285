#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "process/process.h"
#include "transcript/event.h"
#include "transcript/failure.h"

namespace retrust {

/// The two that are one program in these matters: RKE2 is built on k3s.
enum class Distribution { k3s, rke2 };

/// "k3s", "rke2": the program's name.
std::string_view name_of(Distribution distribution);

/// What `etcd-snapshot save` said, which is more than its exit status. Up to 1.28 it takes the
/// snapshot itself and ends with 0 where etcd did not give one; since then it asks the server that
/// runs (k3s-io/k3s pkg/etcd/snapshot.go, pkg/cli/etcdsnapshot).
struct K3sSnapshotLog {
  std::string
      name;  ///< NAME-NODE-TIME, and .zip where it is compressed; empty where none was taken
  std::string path;                   ///< of the file; newer ones do not say it
  std::vector<std::string> warnings;  ///< and errors, in its own words
};

/// Reads its log lines, in both of logrus' formats; etcd's own lines, which are JSON, are passed
/// over.
K3sSnapshotLog read_k3s_snapshot_log(std::string_view text);

/// A line of `etcd-snapshot ls`.
struct ListedSnapshot {
  std::string path;  ///< on this node
  std::string size;  ///< in bytes
};

/// What `etcd-snapshot ls` printed of a snapshot that is on this node; empty where it is not there.
ListedSnapshot find_snapshot(std::string_view listed, std::string_view name);

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

  /// "k3s version v1.30.6+k3s1 (1829eaae)". Looks for the program on PATH, and where its installer
  /// puts it. Throws Failure (usage) where there is none.
  boost::asio::awaitable<std::string> version();

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

  static std::vector<std::string> save_args(const std::string& name);

 private:
  boost::asio::awaitable<Outcome> start(std::vector<std::string> args, std::string section,
                                        std::chrono::milliseconds deadline, Weight weight) const;
  boost::asio::awaitable<Outcome> start_program(std::string program, std::vector<std::string> args,
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
