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
/// The wait is for pods of Deployments that run as the agents' service account. These pods report,
/// and an old one can report the old credentials again until it is gone. Pods of DaemonSets are
/// only counted: they go with their nodes, and a node may be away for good.
///
/// The time for an event does not depend on the number of pods.
class PodWait {
 public:
  /// Limit in bytes of all pods together: more than 20,000 pods of ordinary size.
  static constexpr std::size_t memory_limit = std::size_t{16} << 20U;

  explicit PodWait(const std::vector<Pod>& old);

  /// Forgets the present pods before a fresh list. Pods that were seen going stay known as gone.
  void restart();
  /// Takes one event of the watch. Throws Failure (refused) if the pods exceed memory_limit.
  void see(WatchEvent::Type type, Pod pod);
  /// Notes that the list is complete: a pod that is not in the list is gone.
  void listed() { listed_ = true; }
  /// Adds an old pod.
  void expect(const Pod& pod);
  bool is_old(const Pod& pod) const { return old_.contains(pod.uid); }

  /// True if no old pod is waited for any longer, a new agent is ready, and each owner has a new
  /// pod that is ready.
  bool done() const;
  /// True if done() does not rest on a partial list: the list was complete, or every old pod that
  /// is waited for was seen going.
  bool certain() const;

  /// "1 of 2 old pods gone, 1 new one ready".
  std::string summary() const;
  std::vector<Pod> present() const;
  /// Old pods that are still present. After done() they are pods that nothing waits for.
  std::vector<Pod> late() const;

 private:
  enum class Count { add, remove };
  /// Counts of the present pods.
  struct Counts {
    std::size_t required = 0;                   ///< old pods that are waited for
    std::size_t old_left = 0;                   ///< old pods that were not seen going
    std::size_t new_ready = 0;                  ///< new ready pods of the agents' service account
    std::map<std::string, std::size_t> agents;  ///< number of new ready pods by Deployment
    std::size_t owners_served = 0;              ///< number of owners_ that are in `agents`
    std::size_t bytes = 0;
  };
  void count(const Pod& pod, Count how);
  void forget(const Uid& uid);

  std::set<Uid> old_;             // uids of all old pods
  std::set<Uid> required_;        // uids of the old pods that are waited for
  std::set<std::string> owners_;  // Deployments that must have a new pod
  std::set<Uid> gone_;            // uids that were seen going
  std::size_t old_gone_ = 0;      // number of old pods in gone_
  std::map<Uid, Pod> present_;
  Counts counts_;
  bool listed_ = false;
};

}  // namespace retrust
