#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "choices/fleet_options.h"
#include "choices/step.h"

namespace retrust {

/// A cluster of a fleet.
struct FleetMember {
  std::string id;
  std::string display_name;
  std::string called;  ///< "production (c-x7k2p)"
};

/// How the work for a cluster ended.
struct FleetEnd {
  bool good = false;         ///< done, or nothing was needed
  bool changed = false;      ///< something was changed
  bool interrupted = false;  ///< by a signal
};

/// Runs the same work for several clusters, some at once, in stages: all clusters are looked at,
/// one question is asked about the ones that need a change, the canaries are repaired, then the
/// others. The work of a cluster waits for its turn in two calls, agree() and share().
/// Single-threaded.
class Fleet {
 public:
  using Indices = std::vector<std::size_t>;
  /// Asks about these clusters; the canaries are some of them. Throws Failure or Interrupted if the
  /// answer is not yes.
  using Ask = std::function<boost::asio::awaitable<void>(Indices clusters, Indices canaries)>;
  /// The work for a cluster.
  using Work = std::function<boost::asio::awaitable<FleetEnd>(std::size_t index)>;

  Fleet(boost::asio::any_io_executor executor, FleetOptions options,
        std::vector<FleetMember> members, Ask ask);

  /// Runs the work for each cluster, in the order of the members. Returns when all have ended, and
  /// throws then what the work of a cluster threw.
  boost::asio::awaitable<void> run(Work work);

  /// Called by the work of a cluster before its first change: waits for the answer, then for the
  /// cluster's turn. Throws Failure (refused or declined) if the cluster is not to be changed, or
  /// Interrupted.
  boost::asio::awaitable<void> agree(std::size_t index);

  /// Called by the work of a cluster for a step that is about Rancher as a whole. A backup is made
  /// by the first cluster. A restart is made by one cluster, once every other one has ended or
  /// waits for the restart, too. Returns the name of the cluster that did it; empty if this one
  /// did. Throws what the work threw, for each cluster, or Interrupted.
  boost::asio::awaitable<std::string> share(std::size_t index, Step step,
                                            std::function<boost::asio::awaitable<void>()> work);

  /// Ends all waits in agree() and share(). Clusters at work are not told.
  void interrupt(int signal);

  /// The canaries, if these clusters need a change: the first ones that begin.
  Indices canaries(const Indices& clusters) const;

  /// True if the work for a cluster was begun.
  bool begun(std::size_t index) const { return members_[index].begun; }
  /// True if a cluster was changed.
  bool changed() const;

 private:
  enum class State {
    queued,      ///< waits for its turn
    working,     ///< is looked at, or repaired
    asking,      ///< waits for the answer
    at_restart,  ///< waits for Rancher's restart
    ended
  };
  struct Member {
    FleetMember about;
    State state = State::queued;
    FleetEnd end = {};
    bool begun = false;
    bool released = false;
    std::exception_ptr refusal = {};
  };
  /// A step that one cluster performs for all.
  struct Shared {
    std::optional<std::size_t> by = {};
    bool over = false;
    std::exception_ptr failure = {};
  };

  boost::asio::awaitable<void> attend(std::size_t index, const Work& work);
  boost::asio::awaitable<void> direct();
  /// Asks, then lets the clusters begin, the canaries first.
  boost::asio::awaitable<void> ask_and_release();
  /// Lets canaries begin until enough of them are proven. Refuses the other clusters if a canary
  /// fails. Returns the clusters that are left.
  boost::asio::awaitable<Indices> send_canaries(Indices candidates);
  /// The waiting clusters in the order in which they become canaries.
  Indices candidates(const Indices& waiting) const;
  void release(const Indices& indices);
  void refuse(const Indices& indices, const std::exception_ptr& why);
  void set(std::size_t index, State state);
  /// Returns once the condition holds. Throws Interrupted after a signal.
  boost::asio::awaitable<void> until(std::function<bool()> condition);
  /// Returns once each of the clusters has ended, or waits for Rancher's restart.
  boost::asio::awaitable<void> until_at_rest(Indices indices);
  boost::asio::awaitable<void> news();
  boost::asio::awaitable<void> await_turn(std::size_t index);
  void check_failures() const;

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer news_;  ///< cancelled at each change of a member below
  FleetOptions options_;
  std::vector<Member> members_;
  Ask ask_;
  Indices turns_;  ///< clusters that wait for a turn, in their order
  std::map<Step, Shared> shared_;
  bool restart_due_ = false;
  int signal_ = 0;
};

}  // namespace retrust
