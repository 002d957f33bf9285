#include "process/tasks.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace retrust {

namespace {

namespace asio = boost::asio;

/// The order in which tasks ended, and how each did.
using Ends = std::tuple<std::vector<std::size_t>, std::vector<std::exception_ptr>>;

/// Runs all tasks to their ends; the condition says when those still running are cancelled.
template <typename Condition>
asio::awaitable<Ends> run_all(std::vector<asio::awaitable<void>> tasks, Condition condition) {
  Ends ends;
  if (tasks.empty()) co_return ends;
  const auto executor = co_await asio::this_coro::executor;
  const auto deferred = [&](asio::awaitable<void>& task) {
    return asio::co_spawn(executor, std::move(task), asio::deferred);
  };
  std::vector<decltype(deferred(tasks.front()))> operations;
  for (auto& task : tasks) operations.push_back(deferred(task));
  auto group = asio::experimental::make_parallel_group(std::move(operations));
  ends = co_await group.async_wait(condition, asio::use_awaitable);
  co_return ends;
}

/// Tasks of which some run at once.
struct Queue {
  std::size_t next = 0;
  std::size_t count;
  std::function<asio::awaitable<void>(std::size_t)> task;
};

asio::awaitable<void> take_from(Queue& queue) {
  while (queue.next < queue.count) {
    const auto index = queue.next++;
    try {
      co_await queue.task(index);
    } catch (...) {
      queue.next = queue.count;
      throw;
    }
  }
}

}  // namespace

asio::awaitable<std::vector<std::exception_ptr>> all_settled(
    std::vector<asio::awaitable<void>> tasks) {
  auto ends = co_await run_all(std::move(tasks), asio::experimental::wait_for_all());
  co_return std::get<1>(std::move(ends));
}

asio::awaitable<void> wait_all(std::vector<asio::awaitable<void>> tasks) {
  const auto ends = co_await all_settled(std::move(tasks));
  for (const auto& end : ends) {
    if (end) std::rethrow_exception(end);
  }
}

asio::awaitable<void> when_all(std::vector<asio::awaitable<void>> tasks) {
  const auto [order, ends] =
      co_await run_all(std::move(tasks), asio::experimental::wait_for_one_error());
  for (const auto task : order) {
    if (ends[task]) std::rethrow_exception(ends[task]);
  }
}

asio::awaitable<void> some_at_once(std::size_t count, std::size_t at_once,
                                   std::function<asio::awaitable<void>(std::size_t)> task) {
  Queue queue{0, count, std::move(task)};
  std::vector<asio::awaitable<void>> workers;
  while (workers.size() < std::min(count, at_once)) workers.push_back(take_from(queue));
  co_await wait_all(std::move(workers));
}

asio::awaitable<void> run_beside(asio::awaitable<void> task, asio::awaitable<void> beside) {
  std::vector<asio::awaitable<void>> both;
  both.push_back(std::move(task));
  both.push_back(std::move(beside));
  const auto [order, ends] = co_await run_all(std::move(both), asio::experimental::wait_for_one());
  if (const auto& end = ends[order.front()]) std::rethrow_exception(end);
}

asio::awaitable<void> pause(std::chrono::milliseconds duration) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> Background::start(asio::awaitable<void> task) {
  const auto executor = co_await asio::this_coro::executor;
  ended_.emplace(executor, asio::steady_timer::time_point::max());
  running_ = true;
  const auto ended = [this](const std::exception_ptr&) {
    running_ = false;
    ended_->cancel();
  };
  asio::co_spawn(executor, std::move(task), asio::bind_cancellation_slot(signal_.slot(), ended));
}

asio::awaitable<void> Background::end() {
  if (!running_) co_return;
  signal_.emit(asio::cancellation_type::terminal);
  co_await finish();
}

asio::awaitable<void> Background::end_after(std::chrono::milliseconds limit) {
  if (!running_) co_return;
  boost::system::error_code cancelled;
  ended_->expires_after(limit);
  co_await ended_->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  ended_->expires_at(asio::steady_timer::time_point::max());
  co_await end();
}

asio::awaitable<void> Background::finish() {
  boost::system::error_code cancelled;
  while (running_) {
    co_await ended_->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

}  // namespace retrust
