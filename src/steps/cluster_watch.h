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
#include "process/tasks.h"
#include "tools/kubectl.h"

namespace retrust {

/// Follows one clusters resource in the background. The watch of 2.5 begins while the agents start,
/// and goes on until Rancher says that the cluster is ready.
class ClusterWatch {
 public:
  /// Receives the present resource, and the resource after each change.
  using Take = std::function<void(const boost::json::value&)>;

  /// Begins the watch, unless the watch runs. The caller awaits end() before this object goes.
  boost::asio::awaitable<void> begin(Kubectl local, ClusterId id, Take take);
  /// Ends the watch. A change of our own ends the watch first, so that the next one shows only what
  /// follows.
  boost::asio::awaitable<void> end();

  /// Calls `look` once the resource was seen, and after each change, until `look` returns stop.
  /// Returns false after the limit. Throws the failure of the watch.
  boost::asio::awaitable<bool> until(std::chrono::milliseconds limit, std::function<Flow()> look);

 private:
  boost::asio::awaitable<void> follow(Kubectl local, ClusterId id, Take take);

  Background task_;
  std::optional<boost::asio::steady_timer> news_;
  std::exception_ptr failure_;
  bool seen_ = false;
};

}  // namespace retrust
