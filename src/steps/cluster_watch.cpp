#include "steps/cluster_watch.h"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "observe/commands.h"

namespace retrust {

/// Limit of the watch itself. The callers of until() have limits of their own.
constexpr std::chrono::hours a_day{24};

using boost::asio::awaitable;

awaitable<void> ClusterWatch::begin(Kubectl local, ClusterId id, Take take) {
  if (task_.running()) co_return;
  seen_ = false;
  failure_ = nullptr;
  const auto executor = co_await boost::asio::this_coro::executor;
  news_.emplace(executor);
  co_await task_.start(follow(std::move(local), std::move(id), std::move(take)));
}

awaitable<void> ClusterWatch::end() {
  co_await task_.end();
}

awaitable<void> ClusterWatch::follow(Kubectl local, ClusterId id, Take take) {
  const auto on_event = [this, &take](const WatchEvent& event) {
    if (event.type != WatchEvent::Type::deleted) {
      take(event.object);
      seen_ = true;
      news_->cancel();
    }
    return Flow::go_on;
  };
  const auto on_list = [] {};
  const auto args = commands::watched_cluster(id);
  try {
    co_await local.watch(args, a_day, on_list, on_event);
  } catch (...) {
    failure_ = std::current_exception();
  }
  news_->cancel();
}

awaitable<bool> ClusterWatch::until(std::chrono::milliseconds limit, std::function<Flow()> look) {
  news_->expires_after(limit);
  for (;;) {
    if (seen_ && look() == Flow::stop) co_return true;
    if (failure_) std::rethrow_exception(failure_);
    boost::system::error_code woken;
    co_await news_->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    if (!woken) co_return seen_&& look() == Flow::stop;
  }
}

}  // namespace retrust
