#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "process/process.h"
#include "tools/kubectl_errors.h"
#include "transcript/journal.h"

namespace retrust {

/// The pause between 2 attempts to reach a server that is away: there is nothing to watch
/// meanwhile.
inline constexpr std::chrono::milliseconds retry_pause{250};

/// The time for which transient failures are retried: an API server may restart during a run. Zero
/// means no second attempt.
struct RetryPolicy {
  std::chrono::milliseconds limit{0};
};

/// The patience with one cluster, which begins with the first change of a run: an end would leave
/// the work half done. All copies of a Kubectl share it, and report one wait together.
struct Patience {
  bool begun = false;
  RetryPolicy policy = {};  ///< for commands without a policy of their own
  int waiting = 0;          ///< number of commands that wait for their next attempt
  std::string last = {};    ///< the last progress of that wait
};

/// The attempts of one command. Waits between 2 attempts, and reports the waits.
class Retries {
 public:
  /// `where` names the cluster for people: "the local cluster (local.yaml)".
  Retries(const Runner& runner, Journal journal, std::shared_ptr<Patience> patience,
          RetryPolicy policy, std::string where)
      : runner_(&runner),
        journal_(std::move(journal)),
        patience_(std::move(patience)),
        policy_(policy),
        where_(std::move(where)),
        give_up_(std::chrono::steady_clock::now() + policy.limit) {}
  ~Retries();
  Retries(const Retries&) = delete;
  Retries& operator=(const Retries&) = delete;

  /// Waits until the next attempt. The caller makes sure that another attempt does no harm. Throws
  /// the failure if it does not pass by itself, or if the time is over; Interrupted after a signal.
  boost::asio::awaitable<void> wait_out(KubectlFailure failure);
  /// Reports the end of the wait, if there was one.
  void answered();

 private:
  bool passes(const KubectlFailure& failure) const;
  void begin(const Failure& failure, std::string what);
  boost::asio::awaitable<void> pause_for(std::chrono::milliseconds least);

  const Runner* runner_;
  Journal journal_;
  std::shared_ptr<Patience> patience_;
  RetryPolicy policy_;
  std::string where_;
  std::chrono::steady_clock::time_point give_up_;
  std::chrono::milliseconds next_pause_ = retry_pause;
  bool waits_ = false;
};

}  // namespace retrust
