#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// Follows pods from the deletion of the old ones until new ones are ready. Pure.
///
/// Waited for are the pods of Deployments that run as the agents' service account: they report, and
/// an old one can report the old credentials again for as long as it is there. Those of DaemonSets
/// go with their nodes, of which one may be away for good, so they are only looked at.
///
/// The time for an event does not depend on the number of pods.
class PodWait {
 public:
  /// Bytes of what is known of pods: more than 20,000 of an ordinary size.
  static constexpr std::size_t memory_limit = std::size_t{16} << 20U;

  explicit PodWait(const std::vector<Pod>& old);

  /// A watch starts from a fresh list: forget what was there, not what was seen going.
  void restart();
  /// Throws Failure (refused) where the pods are more than fit into memory_limit.
  void see(WatchEvent::Type type, Pod pod);
  /// The list is whole: what is not in it is not there.
  void listed() { listed_ = true; }
  /// One more old pod.
  void expect(const Pod& pod);
  bool is_old(const Pod& pod) const { return old_.contains(pod.uid); }

  /// No old one is left that matters, and each of their owners has a new one that is ready.
  bool done() const;
  /// done() cannot be due to half a list: something else than a list's ADDED was seen since, or
  /// every old one that matters was seen going.
  bool certain() const;

  /// "1 of 2 old pods gone, 1 new one ready".
  std::string summary() const;
  std::vector<Pod> present() const;
  /// Old pods that are still there, though nothing waits for them.
  std::vector<Pod> late() const;

 private:
  enum class Count { add, remove };
  /// What is counted of the pods that are present.
  struct Counts {
    std::size_t required = 0;                   ///< old ones that matter
    std::size_t old_left = 0;                   ///< old ones that were not seen going
    std::size_t new_ready = 0;                  ///< of the agents' service account
    std::map<std::string, std::size_t> agents;  ///< new and ready, by their Deployment
    std::size_t owners_served = 0;              ///< how many of owners_ are in `agents`
    std::size_t bytes = 0;
  };
  void count(const Pod& pod, Count how);
  void forget(const Uid& uid);

  std::set<Uid> old_;             // uids of all old pods
  std::set<Uid> required_;        // of the pods that are waited for
  std::set<std::string> owners_;  // who must have a new pod
  std::set<Uid> gone_;            // uids that were seen going
  std::size_t old_gone_ = 0;      // of these, old ones
  std::map<Uid, Pod> present_;
  Counts counts_;
  bool listed_ = false;
};

}  // namespace retrust
