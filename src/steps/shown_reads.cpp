#include "steps/shown_reads.h"

#include <chrono>
#include <utility>

#include "process/deadline.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Time limit of all commands from the end of the run on. Only the transcript waits for them.
constexpr std::chrono::seconds longest_end{3};

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
  const Deadline end(longest_end);
  for (auto& task : tasks_) co_await task.second.end_after(end.left());
}

}  // namespace retrust
