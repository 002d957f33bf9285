#include "fleet/fleet.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "process/tasks.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

std::exception_ptr not_begun(const std::string& why) {
  return std::make_exception_ptr(
      Failure(FailureCode::not_begun,
              fmt::format("this cluster was not begun, as {}: nothing was "
                          "changed in it",
                          why),
              "find out why that happened, then run again"));
}

}  // namespace

Fleet::Fleet(boost::asio::any_io_executor executor, FleetOptions options,
             std::vector<FleetMember> members, Ask ask)
    : executor_(std::move(executor)),
      news_(executor_, boost::asio::steady_timer::time_point::max()),
      options_(std::move(options)),
      ask_(std::move(ask)) {
  for (auto& about : members) members_.push_back({std::move(about)});
}

awaitable<void> Fleet::news() {
  boost::system::error_code woken;
  co_await news_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

awaitable<void> Fleet::until(std::function<bool()> condition) {
  for (;;) {
    if (signal_ != 0) throw Interrupted{signal_};
    if (condition()) co_return;
    co_await news();
  }
}

awaitable<void> Fleet::until_at_rest(Indices indices) {
  const auto at_rest = [this](std::size_t index) {
    const auto state = members_[index].state;
    return state == State::ended || state == State::at_restart;
  };
  while (!std::all_of(indices.begin(), indices.end(), at_rest)) co_await news();
}

void Fleet::set(std::size_t index, State state) {
  members_[index].state = state;
  news_.cancel();
}

void Fleet::interrupt(int signal) {
  signal_ = signal;
  news_.cancel();
}

bool Fleet::changed() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& each) { return each.end.changed; });
}

awaitable<void> Fleet::await_turn(std::size_t index) {
  turns_.push_back(index);
  const auto free = [this] {
    const auto at_work = std::count_if(members_.begin(), members_.end(), [](const Member& each) {
      return each.state == State::working;
    });
    return static_cast<std::size_t>(at_work) < options_.parallel;
  };
  std::exception_ptr interrupted;
  try {
    co_await until([&] { return turns_.front() == index && free(); });
  } catch (const Interrupted&) {
    interrupted = std::current_exception();
  }
  std::erase(turns_, index);
  news_.cancel();
  if (interrupted) std::rethrow_exception(interrupted);
  set(index, State::working);
}

awaitable<void> Fleet::run(Work work) {
  std::vector<awaitable<void>> tasks;
  for (std::size_t index = 0; index < members_.size(); ++index) {
    tasks.push_back(attend(index, work));
  }
  tasks.push_back(direct());
  co_await wait_all(std::move(tasks));
}

awaitable<void> Fleet::attend(std::size_t index, const Work& work) {
  auto& member = members_[index];
  try {
    co_await await_turn(index);
    member.begun = true;
  } catch (const Interrupted&) {
    member.end.interrupted = true;
  }
  std::exception_ptr failure;
  if (member.begun) {
    try {
      member.end = co_await work(index);
    } catch (...) {
      failure = std::current_exception();
    }
  }
  // Others wait for this end, also after a failure.
  set(index, State::ended);
  if (failure) std::rethrow_exception(failure);
}

awaitable<void> Fleet::direct() {
  const auto looked_at = [](const Member& each) {
    return each.state == State::asking || each.state == State::ended;
  };
  while (!std::all_of(members_.begin(), members_.end(), looked_at)) co_await news();
  co_await ask_and_release();
  Indices everyone(members_.size());
  std::iota(everyone.begin(), everyone.end(), 0);
  co_await until_at_rest(std::move(everyone));
  restart_due_ = true;
  news_.cancel();
}

awaitable<void> Fleet::ask_and_release() {
  Indices waiting;
  for (std::size_t index = 0; index < members_.size(); ++index) {
    if (members_[index].state == State::asking) waiting.push_back(index);
  }
  if (waiting.empty() || signal_ != 0) co_return;
  auto order = candidates(waiting);
  auto first = canaries(waiting);
  try {
    co_await ask_(waiting, std::move(first));
  } catch (...) {
    refuse(waiting, std::current_exception());
    co_return;
  }
  const auto left = co_await send_canaries(std::move(order));
  // The others begin in the order given.
  std::erase_if(waiting, [&](std::size_t index) {
    return std::find(left.begin(), left.end(), index) == left.end();
  });
  release(waiting);
}

Fleet::Indices Fleet::canaries(const Indices& clusters) const {
  auto order = candidates(clusters);
  order.resize(std::min(order.size(), options_.canary.count));
  return order;
}

Fleet::Indices Fleet::candidates(const Indices& waiting) const {
  Indices order(waiting.rbegin(), waiting.rend());
  const auto& name = options_.canary.name;
  std::stable_partition(order.begin(), order.end(), [&](std::size_t index) {
    const auto& about = members_[index].about;
    return !name.empty() && (about.id == name || about.display_name == name);
  });
  return order;
}

awaitable<Fleet::Indices> Fleet::send_canaries(Indices candidates) {
  std::size_t proven = 0;
  std::string failed;
  while (proven < options_.canary.count && !candidates.empty() && failed.empty()) {
    const auto count = std::min(options_.canary.count - proven, candidates.size());
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(count);
    const Indices batch(candidates.begin(), end);
    candidates.erase(candidates.begin(), end);
    release(batch);
    co_await until_at_rest(batch);
    for (const auto index : batch) {
      const auto& member = members_[index];
      // A cluster that somebody else repaired meanwhile proves nothing.
      const auto repaired = member.end.good && member.end.changed;
      if (member.state == State::at_restart || repaired) {
        ++proven;
      } else if (member.end.changed || member.end.interrupted) {
        failed = member.about.called;
      }
    }
  }
  if (failed.empty()) co_return candidates;
  refuse(candidates, not_begun(fmt::format("the first one, {}, was not repaired", failed)));
  co_return Indices();
}

void Fleet::release(const Indices& indices) {
  for (const auto index : indices) members_[index].released = true;
  news_.cancel();
}

void Fleet::refuse(const Indices& indices, const std::exception_ptr& why) {
  for (const auto index : indices) members_[index].refusal = why;
  news_.cancel();
}

void Fleet::check_failures() const {
  std::vector<std::string> failed;
  for (const auto& member : members_) {
    const auto counts = member.state == State::ended && member.end.changed && !member.end.good;
    if (counts) failed.push_back(member.about.called);
  }
  if (failed.size() < options_.max_failures) return;
  std::rethrow_exception(not_begun(fmt::format("{} failed after a change (--max-failures {})",
                                               enumerated(failed), options_.max_failures)));
}

awaitable<void> Fleet::agree(std::size_t index) {
  set(index, State::asking);
  const auto& member = members_[index];
  co_await until([&] { return member.released || member.refusal; });
  if (member.refusal) std::rethrow_exception(member.refusal);
  co_await await_turn(index);
  check_failures();
}

awaitable<std::string> Fleet::share(std::size_t index, Step step,
                                    std::function<awaitable<void>()> work) {
  const auto restarts = info_of(step).effect == StepInfo::Effect::changes;
  if (restarts) {
    set(index, State::at_restart);
    co_await until([this] { return restart_due_; });
  }
  auto& shared = shared_[step];
  const auto does_it = !shared.by;
  if (does_it) {
    shared.by = index;
    try {
      co_await work();
    } catch (...) {
      shared.failure = std::current_exception();
    }
    shared.over = true;
    news_.cancel();
  } else {
    co_await until([&] { return shared.over; });
  }
  if (shared.failure) std::rethrow_exception(shared.failure);
  if (restarts) co_await await_turn(index);
  co_return does_it ? std::string() : members_[*shared.by].about.called;
}

}  // namespace retrust
