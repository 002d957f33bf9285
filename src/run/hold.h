#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/advice.h"
#include "base/names.h"
#include "process/tasks.h"
#include "run/lease.h"
#include "run/machine_lock.h"
#include "tools/kubectl.h"
#include "transcript/journal.h"

namespace retrust {

/// The cluster and the run of a Hold.
struct HoldOptions {
  ClusterId cluster;
  Uid uid = {};                ///< of the clusters resource; names the lock file
  std::string called = {};     ///< for people, e.g. "production (c-x7k2p)"
  std::string holder = {};     ///< text_of(Holder) of this run
  std::string forbidden = {};  ///< the missing permission for Leases, if that is known; else empty
  std::chrono::milliseconds wait{0};              ///< limit of the wait for another run
  std::chrono::seconds duration = longest_lease;  ///< a Lease is renewed at half of it
};

/// Keeps other runs away from a cluster while this run changes it: by a Lease in the local cluster,
/// or by a lock file on this machine where the cluster takes no Lease. A lost Lease never stops a
/// repair. Neither is a change of the clusters.
class Hold {
 public:
  explicit Hold(Journal journal) : journal_(std::move(journal)) {}

  /// Takes the cluster, after a wait for the run that has it, if any. Throws Failure (refused) if
  /// that run still has it after the limit. Warns if there is nothing to keep others away with.
  boost::asio::awaitable<void> take(Kubectl local, HoldOptions options);
  /// Releases the cluster, also after a failure or a signal. Whoever called take() awaits this
  /// before this object goes. May be called again.
  boost::asio::awaitable<void> end();

  /// True if take() had to wait, or took the cluster over from a run that is gone.
  bool followed_another() const { return followed_; }
  /// True if somebody else took the Lease during this run.
  bool lost() const { return lost_; }

 private:
  enum class Attempt { taken, held, impossible };
  /// Tries to take the Lease once. Sets `other_` if another run holds it. A run that was seen holds
  /// the Lease until the cluster says otherwise: trouble with the cluster does not free it.
  boost::asio::awaitable<Attempt> try_lease();
  Attempt try_lock();
  Attempt no_lease(const std::string& why);
  boost::asio::awaitable<void> renew();
  boost::asio::awaitable<void> release_lease();
  void tell_lost();
  std::string place() const;
  Failure still_held() const;

  /// The run that has the cluster.
  struct Other {
    std::string text;   ///< the holder for people
    std::string since;  ///< " since 2026-01-10T08:00:00Z", or empty
    std::string news;   ///< changes when that run renews its Lease
  };

  Journal journal_;
  std::optional<Kubectl> local_;
  HoldOptions options_;
  std::optional<Lease> lease_;
  std::unique_ptr<MachineLock> lock_;
  bool by_lock_ = false;
  Expiry expiry_;
  std::optional<Other> other_;
  std::string how_taken_;  ///< why another holder's Lease was taken over
  Background renewal_;
  bool followed_ = false;
  bool lost_ = false;
};

}  // namespace retrust
