#include "tools/retries.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "process/tasks.h"

namespace retrust {

using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// The longest pause before another attempt: each attempt costs the server a login.
constexpr milliseconds longest_pause{2000};
/// A pause consists of pieces, so that a signal ends it at once.
constexpr milliseconds piece{50};

}  // namespace

Retries::~Retries() {
  if (waits_) --patience_->waiting;
}

bool Retries::passes(const KubectlFailure& failure) const {
  const auto kind = failure.kind;
  if (policy_.limit.count() == 0) return false;
  // rancher-webhook restarts with Rancher. Its bad certificate does not mend itself.
  const auto restarts =
      kind == KubectlError::webhook_failed && failure.detail.find("x509: ") == std::string::npos;
  if (patience_->begun) return is_transient(kind) || restarts;
  // Before a change, a time-out reported by kubectl means an absent server; a time-out of retrust's
  // own means a hanging kubectl.
  return is_away(kind) && kind != KubectlError::hung;
}

void Retries::begin(const Failure& failure, std::string what) {
  if (!waits_) {
    waits_ = true;
    if (patience_->waiting++ == 0) {
      patience_->last.clear();
      journal_.wait_started(what, policy_.limit);
    }
  }
  // kubectl's words differ each time, and are left out.
  if (patience_->last == failure.what()) return;
  patience_->last = failure.what();
  journal_.wait_progress(failure.what());
}

void Retries::answered() {
  if (!waits_) return;
  waits_ = false;
  if (--patience_->waiting == 0) journal_.wait_ended(fmt::format("{} answers again", where_));
}

awaitable<void> Retries::pause_for(milliseconds least) {
  const auto end = Clock::now() + std::max(next_pause_, least);
  next_pause_ = std::min(next_pause_ * 2, longest_pause);
  for (;;) {
    if (const auto signal = runner_->interrupted()) throw Interrupted{*signal};
    const auto left = std::chrono::ceil<milliseconds>(std::min(end, give_up_) - Clock::now());
    if (left.count() <= 0) co_return;
    co_await pause(std::min(left, piece));
  }
}

awaitable<void> Retries::wait_out(KubectlFailure failure) {
  if (!passes(failure)) {
    // Any other answer is one, too.
    answered();
    throw KubectlFailure(failure);
  }
  const auto now = Clock::now();
  const auto asked = std::chrono::duration_cast<milliseconds>(
      failure.retry_after.value_or(std::chrono::seconds{0}));
  if (now >= give_up_ && (waits_ || failure.kind != KubectlError::hung)) {
    failure = {failure, Failure(ExitStatus::gave_up,
                                fmt::format("{}; retrust tried for {}", failure.what(),
                                            duration_text(policy_.limit)),
                                failure.advice, failure.detail)};
  }
  if (now + asked >= give_up_) throw KubectlFailure(failure);
  begin(failure, fmt::format("for {} to answer", where_));
  co_await pause_for(asked);
}

}  // namespace retrust
