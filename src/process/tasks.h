#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

namespace retrust {

/// Runs all tasks side by side and returns when every one of them has ended: how each did, in their
/// order, null where it did well. No task is cut short by another's failure, so that children come
/// to their own ends.
boost::asio::awaitable<std::vector<std::exception_ptr>> all_settled(
    std::vector<boost::asio::awaitable<void>> tasks);

/// As all_settled, then throws the first failure, if any.
boost::asio::awaitable<void> wait_all(std::vector<boost::asio::awaitable<void>> tasks);

/// As wait_all, but for tasks of which none makes sense without the others: the first failure ends
/// what the others wait for, and is thrown when all have ended.
boost::asio::awaitable<void> when_all(std::vector<boost::asio::awaitable<void>> tasks);

/// Runs a task for each index below `count`, at most `at_once` of them side by side. Throws the
/// first failure when all have ended; after a failure no further task starts.
boost::asio::awaitable<void> some_at_once(
    std::size_t count, std::size_t at_once,
    std::function<boost::asio::awaitable<void>(std::size_t)> task);

/// Runs the task, and `beside` until the task has ended. A failure of `beside` ends the task and is
/// thrown. `beside` must not end by itself.
boost::asio::awaitable<void> run_beside(boost::asio::awaitable<void> task,
                                        boost::asio::awaitable<void> beside);

boost::asio::awaitable<void> pause(std::chrono::milliseconds duration);

/// A task that runs beside others, and deals with its failures itself. Whoever started it awaits
/// end() before this goes.
class Background {
 public:
  /// Starts the task. No other task may be running.
  boost::asio::awaitable<void> start(boost::asio::awaitable<void> task);
  bool running() const { return running_; }
  /// Ends what the task waits for, and returns when it has ended.
  boost::asio::awaitable<void> end();
  /// Gives the task this time, then does as end() does.
  boost::asio::awaitable<void> end_after(std::chrono::milliseconds limit);
  /// Returns when it has ended by itself.
  boost::asio::awaitable<void> finish();

 private:
  boost::asio::cancellation_signal signal_;
  std::optional<boost::asio::steady_timer> ended_;
  bool running_ = false;
};

}  // namespace retrust
