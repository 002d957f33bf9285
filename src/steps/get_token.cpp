// Section 2.3: reads the live token.
#include <fmt/format.h>

#include "base/text.h"
#include "credentials/token.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "steps/outlook.h"
#include "steps/token_secret.h"

namespace retrust {
namespace {

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  const auto& name_space = options.name_space;
  PlannedStep planned{Step::get_token,
                      situation.performed(Step::get_token) ? Need::not_needed : Need::needed,
                      "reads the token that Rancher should have"};
  const auto* live = seen.live();
  const auto to_come = token_is_to_come(situation);
  auto args = Kubectl::get_args(commands::accounts_and_secrets(name_space));
  if (to_come && token_maker(seen) == TokenMaker::agents) {
    planned.reason = "reads the token that the agents will have made";
  } else if (to_come || live == nullptr) {
    planned.reason += ", by the watch of 2.1";
    args = Kubectl::watch_args(commands::token_secrets(name_space));
  } else {
    args = Kubectl::get_args(commands::secret(name_space, live->name));
  }
  // The name of the secret to come is not known yet.
  if (options.downstream_session && (to_come || live == nullptr)) return planned;
  planned.commands = {shell_line(options.downstream_kubectl, args)};
  return planned;
}

boost::asio::awaitable<void> run(Context context) {
  const auto live = co_await read_live_secret(context);
  if (live.verdict == Verdict::rejected) {
    context.journal().warning(fmt::format("the cluster rejects the token in {}{}{}", live.name,
                                          live.reason.empty() ? "" : ": ", live.reason));
  }
  const RenderNotes notes{says(live.verdict), context.seen().seen_at};
  context.run_journal().finding(joined(render_token(live.credentials.token, notes)));
}

StepResult result(const Observation& seen) {
  const auto* live = seen.live();
  if (live == nullptr) return {"there is none"};
  return {fmt::format("token sha256:{} of the secret {}",
                      fingerprint(live->credentials.token.reveal()), live->name)};
}

std::vector<Permission> permissions(const Observation&, const PlanOptions& options) {
  return {{Side::downstream, "get", "", "secrets", options.name_space}};
}

}  // namespace

extern const StepWork get_token{
    .plan = plan, .run = run, .result = result, .permissions = permissions};

}  // namespace retrust
