#include "process/gather.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace retrust {

boost::asio::awaitable<std::vector<std::exception_ptr>> settle(
    std::vector<boost::asio::awaitable<void>> tasks) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::vector<std::exception_ptr> ends(tasks.size());
  auto left = tasks.size();
  // A timer that never expires serves as the condition to wait for.
  boost::asio::steady_timer all_done(executor, boost::asio::steady_timer::time_point::max());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    boost::asio::co_spawn(executor, std::move(tasks[i]),
                          [&ends, &left, &all_done, i](std::exception_ptr end) {
                            ends[i] = std::move(end);
                            if (--left == 0) all_done.cancel();
                          });
  }
  boost::system::error_code cancelled;
  while (left > 0) {
    co_await all_done.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
  co_return ends;
}

boost::asio::awaitable<void> gather(std::vector<boost::asio::awaitable<void>> tasks) {
  for (const auto& end : co_await settle(std::move(tasks))) {
    if (end) std::rethrow_exception(end);
  }
}

boost::asio::awaitable<void> together(std::vector<boost::asio::awaitable<void>> tasks) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::vector<boost::asio::cancellation_signal> signals(tasks.size());
  std::exception_ptr first;
  auto left = tasks.size();
  boost::asio::steady_timer all_done(executor, boost::asio::steady_timer::time_point::max());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto ended = [&](std::exception_ptr end) {
      if (--left == 0) all_done.cancel();
      if (!end || first) return;
      first = std::move(end);
      for (auto& signal : signals) signal.emit(boost::asio::cancellation_type::terminal);
    };
    boost::asio::co_spawn(executor, std::move(tasks[i]),
                          boost::asio::bind_cancellation_slot(signals[i].slot(), ended));
  }
  boost::system::error_code cancelled;
  while (left > 0) {
    co_await all_done.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
  if (first) std::rethrow_exception(first);
}

boost::asio::awaitable<void> pause(std::chrono::milliseconds duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

boost::asio::awaitable<void> Background::start(boost::asio::awaitable<void> task) {
  const auto executor = co_await boost::asio::this_coro::executor;
  ended_.emplace(executor, boost::asio::steady_timer::time_point::max());
  running_ = true;
  const auto ended = [this](const std::exception_ptr&) {
    running_ = false;
    ended_->cancel();
  };
  boost::asio::co_spawn(executor, std::move(task),
                        boost::asio::bind_cancellation_slot(signal_.slot(), ended));
}

boost::asio::awaitable<void> Background::end() {
  if (!running_) co_return;
  signal_.emit(boost::asio::cancellation_type::terminal);
  boost::system::error_code cancelled;
  while (running_) {
    co_await ended_->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
}

}  // namespace retrust
