#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "process/process.h"
#include "transcript/event.h"

namespace retrust {

/// After the first change, waits until this machine can start a process again: a repair that stops
/// half-way leaves the cluster worse than before. Before that, a failed start ends the command.
class ResourceWait final : public Shortage {
 public:
  /// `changed` tells whether something was changed. The events must outlive this.
  ResourceWait(EventSink& events, std::chrono::milliseconds limit, std::function<bool()> changed)
      : events_(events), limit_(limit), changed_(std::move(changed)) {}
  boost::asio::awaitable<bool> tries_again(const Outcome& lacking) override;
  void over() override;

 private:
  EventSink& events_;
  std::chrono::milliseconds limit_;
  std::function<bool()> changed_;
  /// The time since which starts fail. Several at once are one wait.
  std::optional<std::chrono::steady_clock::time_point> since_;
};

/// Proves that this machine has descriptors and a process left for the changes that follow. Throws
/// Failure (refused), or Interrupted.
boost::asio::awaitable<void> check_resources(Runner& runner);

}  // namespace retrust
