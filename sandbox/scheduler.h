#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace retrust::sandbox {

/// Things to do later. Everything that is still to come is forgotten at the end.
class Scheduler {
 public:
  explicit Scheduler(boost::asio::io_context& io) : io_(io) {}

  void after(std::chrono::milliseconds delay, std::function<void()> action) {
    if (ended_) return;
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
    timers_.insert(timer);
    timer->async_wait([this, timer, action = std::move(action)](boost::system::error_code error) {
      timers_.erase(timer);
      if (!error && !ended_) action();
    });
  }

  void end() {
    ended_ = true;
    for (const auto& timer : timers_) timer->cancel();
  }

 private:
  boost::asio::io_context& io_;
  std::set<std::shared_ptr<boost::asio::steady_timer>> timers_;
  bool ended_ = false;
};

}  // namespace retrust::sandbox
