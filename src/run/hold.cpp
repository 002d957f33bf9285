#include "run/hold.h"

#include <utility>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/commands.h"
#include "process/deadline.h"
#include "run/holder.h"

namespace retrust {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Limit of one command about a Lease, which must not hold up a repair.
constexpr seconds command_limit{10};
/// Pause between 2 looks at another run's Lease, as kubernetes/client-go v0.30.0 does by default
/// (RetryPeriod, tools/leaderelection/leaderelection.go).
constexpr milliseconds look_pause{2000};
/// A signal ends the wait after this time.
constexpr milliseconds signal_pause{200};
/// Pause before another attempt to renew, if the cluster did not answer.
constexpr seconds renewal_pause{15};

std::chrono::sys_seconds clock_now() {
  return std::chrono::floor<seconds>(std::chrono::system_clock::now());
}

std::string since_text(const std::optional<std::chrono::sys_seconds>& time) {
  return time ? " since " + utc_text(*time) : std::string();
}

}  // namespace

std::string Hold::place() const {
  return fmt::format("the Lease {} in {} of the local cluster", lease_name, options_.cluster);
}

awaitable<void> Hold::take(Kubectl local, HoldOptions options) {
  options_ = std::move(options);
  local_.emplace(local.within(command_limit).with(RetryPolicy{}));
  if (!options_.forbidden.empty()) no_lease("a permission is missing: " + options_.forbidden);
  const Deadline deadline(options_.wait);
  auto waits = false;
  std::string news;
  for (;;) {
    const auto locks = by_lock_;
    auto attempt = Attempt::impossible;
    if (locks) {
      attempt = try_lock();
    } else {
      attempt = co_await try_lease();
    }
    if (attempt == Attempt::impossible && !locks) continue;
    if (attempt != Attempt::held) {
      if (waits) {
        journal_.wait_ended(how_taken_.empty()
                                ? fmt::format("{} is not being repaired any more", options_.called)
                                : how_taken_);
      } else if (!how_taken_.empty()) {
        journal_.finding(how_taken_);
      }
      break;
    }
    followed_ = true;
    if (deadline.over()) throw still_held();
    if (!waits) {
      journal_.wait_started(fmt::format("for {}, who has been repairing {}{}", other_->text,
                                        options_.called, other_->since),
                            options_.wait);
    } else if (news != other_->news) {
      journal_.wait_progress(fmt::format("{} is still at work: {}", other_->text, other_->news));
    }
    waits = true;
    news = other_->news;
    const Deadline next(std::min(look_pause, deadline.left()));
    while (!next.over()) {
      co_await pause(std::min(signal_pause, next.left()));
      if (const auto signal = local_->interrupted()) throw Interrupted{*signal};
    }
  }
  if (!lease_) co_return;
  journal_.note(fmt::format("retrust holds {}", place()));
  co_await renewal_.start(renew());
}

Failure Hold::still_held() const {
  auto happened = fmt::format("{} is being repaired by {}{}; nothing was changed", options_.called,
                              other_->text, other_->since);
  if (by_lock_) {
    return {FailureCode::busy, std::move(happened), "run again when that run has ended"};
  }
  return {FailureCode::busy, std::move(happened),
          Advice("run again when that run has ended. If you are certain that it does not run any "
                 "more, delete its Lease first",
                 local_->shown(commands::delete_lease(options_.cluster, lease_name)))};
}

Hold::Attempt Hold::no_lease(const std::string& why) {
  by_lock_ = true;
  journal_.warning(
      fmt::format("retrust cannot take {}, so only a lock file keeps other runs on this machine "
                  "away: {}",
                  place(), why),
      {"make sure that nobody else repairs this cluster meanwhile"});
  return Attempt::impossible;
}

awaitable<Hold::Attempt> Hold::try_lease() {
  // Somebody can be quicker between a read and a write, and an answer to a write can be lost.
  constexpr int attempts = 5;
  std::string failed;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::optional<Lease> now;
    auto answered = true;
    try {
      now = co_await read_lease(*local_, options_.cluster);
    } catch (const NoResources&) {
      throw;
    } catch (const Failure& failure) {
      failed = failure.in_full();
      answered = false;
    }
    if (!answered) co_return other_ ? Attempt::held : no_lease(failed);
    Lease mine;
    if (now) mine = *now;
    if (now && now->holder == options_.holder) {
      lease_ = std::move(mine);
      co_return Attempt::taken;
    }
    how_taken_.clear();
    if (now && !now->holder.empty()) {
      const auto steady = std::chrono::steady_clock::now();
      expiry_.saw(*now, steady);
      other_ = Other{shown_holder(now->holder), since_text(now->acquired),
                     now->renewed_at() ? "renewed at " + utc_text(*now->renewed_at()) : ""};
      const auto holder = parse_holder(now->holder);
      if (holder && is_gone(*holder)) {
        how_taken_ = fmt::format("{} is gone from this machine: this run takes over", other_->text);
      } else if (expiry_.expired(steady, clock_now())) {
        how_taken_ = fmt::format("{} has not renewed its Lease for {}: this run takes over",
                                 other_->text, duration_text(now->duration));
      } else {
        co_return Attempt::held;
      }
      followed_ = true;
    } else {
      other_.reset();
    }
    if (!now && attempt > 0 && !failed.empty()) co_return no_lease(failed);
    mine.name_space = options_.cluster;
    mine.holder = options_.holder;
    mine.duration = options_.duration;
    mine.acquired.reset();
    if (now) ++mine.transitions;
    try {
      if (now) {
        std::vector<Lease*> one(1, &mine);
        co_await write_leases(*local_, std::move(one));
      } else {
        co_await create_lease(*local_, mine);
      }
      lease_ = std::move(mine);
      co_return Attempt::taken;
    } catch (const NoResources&) {
      throw;
    } catch (const KubectlFailure& failure) {
      // Nothing else can come of these.
      answered = failure.kind == KubectlError::conflict || failure.kind == KubectlError::other ||
                 failure.kind == KubectlError::hung || is_away(failure.kind);
      failed = failure.in_full();
    } catch (const Failure& failure) {
      failed = failure.in_full();
    }
    if (!answered) co_return other_ ? Attempt::held : no_lease(failed);
  }
  if (other_) co_return Attempt::held;
  co_return no_lease(failed.empty() ? "other runs are quicker each time" : failed);
}

Hold::Attempt Hold::try_lock() {
  if (!lock_) {
    const auto& id = options_.uid.empty() ? options_.cluster.text() : options_.uid.text();
    lock_ = std::make_unique<MachineLock>(lock_path(fmt::format("retrust-{}.lock", id)));
  }
  const auto attempt = lock_->take(options_.holder);
  switch (attempt.result) {
    case MachineLock::Attempt::Result::taken:
      journal_.note(fmt::format("retrust holds the lock file {}", lock_->path().string()));
      return Attempt::taken;
    case MachineLock::Attempt::Result::held:
      other_ = Other{shown_holder(attempt.holder), {}, {}};
      return Attempt::held;
    case MachineLock::Attempt::Result::failed:
      break;
  }
  journal_.warning(
      fmt::format("nothing keeps other runs away: retrust cannot use the lock file "
                  "{}: {}",
                  lock_->path().string(), attempt.why));
  return Attempt::impossible;
}

void Hold::tell_lost() {
  if (std::exchange(lost_, true)) return;
  journal_.warning(fmt::format(
      "this run does not hold {} any more, so another run can begin: the repair goes on", place()));
}

awaitable<void> Hold::renew() {
  auto last = std::chrono::steady_clock::now();
  auto next = milliseconds(options_.duration) / 2;
  while (!lost_) {
    co_await pause(next);
    std::vector<Lease*> leases(1, &*lease_);
    const auto renewed = co_await renew_leases(*local_, std::move(leases));
    const auto now = std::chrono::steady_clock::now();
    switch (renewed.each.front()) {
      case Renewal::renewed:
        last = now;
        next = milliseconds(options_.duration) / 2;
        break;
      case Renewal::unknown:
        next = std::min<milliseconds>(renewal_pause, milliseconds(options_.duration) / 2);
        // Others may take an expired Lease. If nobody does, the next attempt renews it.
        if (now - last >= options_.duration) {
          journal_.warning(
              fmt::format("{} has expired, because the cluster did not take its "
                          "renewal: {}",
                          place(), renewed.failure));
        }
        break;
      case Renewal::lost:
        tell_lost();
        break;
    }
  }
}

awaitable<void> Hold::release_lease() {
  auto lease = *std::exchange(lease_, std::nullopt);
  const auto local = local_->for_cleanup();
  std::string failed;
  constexpr int attempts = 3;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto free = lease;
    // As kubernetes/client-go v0.30.0 does, tools/leaderelection/leaderelection.go: release. An
    // update needs no further permission, and fails if somebody else has the Lease by now.
    free.holder.clear();
    free.duration = seconds{1};
    std::optional<KubectlError> kind;
    try {
      std::vector<Lease*> one(1, &free);
      co_await write_leases(local, std::move(one));
      co_return;
    } catch (const KubectlFailure& failure) {
      failed = failure.in_full();
      kind = failure.kind;
    } catch (const Failure& failure) {
      failed = failure.in_full();
    }
    // A renewal that was cut short can have changed the version. A lost answer leaves it released.
    std::optional<Lease> now;
    try {
      now = co_await read_lease(local, options_.cluster);
    } catch (const Failure& failure) {
      failed = failure.in_full();
      continue;
    }
    if (now && now->holder.empty()) co_return;
    if (!now || now->holder != lease.holder) {
      tell_lost();
      co_return;
    }
    lease = *now;
    if (kind && *kind != KubectlError::conflict && !is_transient(*kind)) break;
  }
  journal_.warning(
      fmt::format("{} was not released, so a run from another machine waits until it "
                  "has expired, {} after its last renewal: {}",
                  place(), duration_text(options_.duration), failed));
}

awaitable<void> Hold::end() {
  co_await renewal_.end();
  if (lock_) lock_->release();
  if (!lease_ || lost_) co_return;
  try {
    co_await release_lease();
  } catch (const Interrupted&) {
    // The second signal ends this, too.
  }
}

}  // namespace retrust
