#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>

#include "base/names.h"
#include "process/gather.h"
#include "tools/kubectl.h"

namespace retrust {

/// Follows one clusters resource while other things go on: the watch of 2.5 can begin while the
/// agents still start, and goes on until Rancher says that the cluster is ready.
class ClusterWatch {
 public:
  /// Gets the resource as it is, again after each change.
  using Take = std::function<void(const boost::json::value&)>;

  /// Begins, unless it has. Whoever calls this awaits end() before this goes.
  boost::asio::awaitable<void> begin(Kubectl local, ClusterId id, Take take);
  /// What comes of one's own change is not to be mixed up with what was there before it.
  boost::asio::awaitable<void> end();

  /// Calls `look` with what is there by now, if anything was seen yet, and after each change, until
  /// it says stop. False where the limit was over. Throws what the watch failed with.
  boost::asio::awaitable<bool> until(std::chrono::milliseconds limit, std::function<Flow()> look);

 private:
  boost::asio::awaitable<void> follow(Kubectl local, ClusterId id, Take take);
  /// The command that the runbook gives for it, once.
  boost::asio::awaitable<void> show(Kubectl local, ClusterId id);

  Background task_;
  Background shown_;
  bool was_shown_ = false;
  std::optional<boost::asio::steady_timer> news_;
  std::exception_ptr failure_;
  bool seen_ = false;
};

}  // namespace retrust
