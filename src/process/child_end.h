#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

namespace retrust {

/// Waits for the end of a child, which stays to be awaited: by a pidfd or, before Linux 5.3, by
/// SIGCHLD.
class ChildEnd {
 public:
  explicit ChildEnd(const boost::asio::any_io_executor& executor)
      : descriptor_(executor), signal_(executor) {}

  /// Sets the child to wait for. Throws boost::system::system_error or std::system_error.
  void open(int pid);
  /// Calls `ended` when the child has ended; it must keep this alive.
  void await(std::function<void()> ended);
  /// Ends the wait. No callback follows.
  void close();

 private:
  int pid_ = 0;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::signal_set signal_;
};

}  // namespace retrust
