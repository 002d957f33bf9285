#include "process/child_end.h"

#include <csignal>
#include <utility>

#include "process/child_setup.h"

namespace retrust {

using boost::system::error_code;

void ChildEnd::open(int pid) {
  pid_ = pid;
  if (auto handle = open_child(pid)) {
    descriptor_.assign(handle->get());
    handle->release();
  } else {
    signal_.add(SIGCHLD);
  }
}

void ChildEnd::await(std::function<void()> ended) {
  if (descriptor_.is_open()) {
    auto on_event = [this, ended = std::move(ended)](error_code cancelled) mutable {
      if (cancelled || pid_ == 0) return;
      // asio gives the state of a closed descriptor to the next one, with news that had come for
      // it.
      if (has_ended(pid_)) {
        ended();
      } else {
        await(std::move(ended));
      }
    };
    descriptor_.async_wait(descriptor_.wait_read, std::move(on_event));
    return;
  }
  signal_.async_wait([this, ended = std::move(ended)](error_code, int) mutable {
    if (pid_ == 0) return;
    if (has_ended(pid_)) {
      ended();
    } else {
      await(std::move(ended));
    }
  });
  // It may have ended before its signal was waited for.
  error_code ignored;
  if (has_ended(pid_)) signal_.cancel(ignored);
}

void ChildEnd::close() {
  error_code ignored;
  pid_ = 0;
  descriptor_.close(ignored);
  signal_.cancel(ignored);
}

}  // namespace retrust
