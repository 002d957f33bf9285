#include "steps/shown_reads.h"

#include <utility>

namespace retrust {

using boost::asio::awaitable;

namespace {

/// What fails here fails the session, too, which tells it.
awaitable<void> show(Kubectl kubectl, Query query) {
  const auto documented = kubectl.documented().yielding().with(RetryPolicy{});
  co_await documented.get(std::move(query));
}

}  // namespace

awaitable<void> ShownReads::begin(Kubectl kubectl, Query query) {
  if (!kubectl.session()) co_return;
  const auto [task, added] = tasks_.try_emplace(kubectl.shown(Kubectl::get_args(query)));
  if (!added) co_return;
  auto work = show(std::move(kubectl), std::move(query));
  co_await task->second.start(std::move(work));
}

awaitable<void> ShownReads::end() {
  for (auto& task : tasks_) co_await task.second.finish();
}

}  // namespace retrust
