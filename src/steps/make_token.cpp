// Section 2.1: makes the next token secret before the old one goes, where Rancher's record is
// repaired first.
#include <fmt/format.h>

#include "base/text.h"
#include "observe/live_account.h"
#include "steps/context.h"
#include "steps/step.h"
#include "steps/token_secret.h"

namespace retrust {
namespace {

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const Step step = Step::make_token;
  if (situation.order() == Order::usual) {
    return {step, Need::not_needed, "2.1 delete-token brings the next token secret"};
  }
  const auto* live = seen.live();
  const auto account = account_text(seen);
  if (live != nullptr && live->complete() && live->verdict != Verdict::rejected) {
    return {step, Need::not_needed, fmt::format("the cluster accepts the token in {}", live->name)};
  }
  PlannedStep planned{step, Need::needed, fmt::format("there is no token secret of {}", account)};
  if (live != nullptr) {
    planned.reason = live->complete()
                         ? fmt::format("the cluster rejects the token in {}: {}", live->name,
                                       live->reason.empty() ? "not authenticated" : live->reason)
                         : fmt::format("{} is incomplete: {}", live->name, live->lack());
  }
  planned.commands = {shell_line(situation.options.downstream_kubectl, Kubectl::create_args())};
  planned.notes = {
      is_ranchers_own(seen)
          ? fmt::format("nobody else makes a token of {}: the old secret goes when Rancher has the "
                        "new token",
                        account)
          : std::string("the agents must not restart yet, so retrust makes the token; the old "
                        "secret goes when Rancher has the new token")};
  return planned;
}

boost::asio::awaitable<void> run(Context context) {
  co_await make_account_secret(context);
  // The review is the proof. It also brings back the secrets that were there before.
  co_await read_tokens_again(context);
  const auto* live = context.seen().live();
  if (live != nullptr && live->complete() && live->verdict == Verdict::accepted) co_return;
  throw Failure(ExitStatus::failed,
                "the cluster does not accept the token that its own controller has just made",
                "kube-controller-manager's --service-account-private-key-file and kube-apiserver's "
                "--service-account-key-file must be a pair; then run again",
                live == nullptr ? std::string() : live->reason.str());
}

StepResult result(const Observation& seen) {
  const auto* live = seen.live();
  return {live == nullptr
              ? std::string("there is no token secret")
              : fmt::format("the token secret of {} is {}", account_text(seen), live->name)};
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions& options) {
  if (order_of(seen) == Order::usual) return {};
  return {{Side::downstream, "create", "", "secrets", options.name_space},
          {Side::downstream, "watch", "", "secrets", options.name_space}};
}

}  // namespace

extern const StepWork make_token{
    .plan = plan, .run = run, .result = result, .permissions = permissions};

}  // namespace retrust
