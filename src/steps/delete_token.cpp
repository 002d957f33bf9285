// Section 2.1: deletes the agents' token secret, and waits for the next one.
#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/live_account.h"
#include "process/tasks.h"
#include "steps/live_credentials.h"
#include "steps/named_deletion.h"
#include "steps/outlook.h"
#include "steps/token_secret.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

constexpr int replace_attempts = 5;

std::string why_rejected(const TokenSecret& secret) {
  return fmt::format("the cluster rejects the token in {}: {}", secret.name,
                     secret.reason.empty() ? "not authenticated" : secret.reason);
}

/// Reason why the present token secrets cannot stay. Empty if they can.
std::string why_delete(const Observation& seen, const PlanOptions& options) {
  for (const auto& secret : seen.downstream.tokens) {
    if (!secret.complete()) return fmt::format("{} is incomplete: {}", secret.name, secret.lack());
    if (secret.verdict == Verdict::rejected) return why_rejected(secret);
  }
  return options.extent == Extent::every ? "every section was asked for" : "";
}

/// Random if Kubernetes or Rancher made each name with random letters at its end. Somebody may have
/// given secrets of several clusters another name. kubernetes/apiserver,
/// pkg/storage/names/generate.go: 5 letters and digits.
Context::Names kind_of(const std::vector<ObjectName>& names) {
  constexpr std::size_t letters = 5;
  constexpr std::string_view before = "-token-";
  const auto random = std::all_of(names.begin(), names.end(), [&](const ObjectName& name) {
    const auto& text = name.text();
    const auto at = text.rfind(before);
    return at != std::string::npos && text.size() == at + before.size() + letters;
  });
  return random ? Context::Names::random : Context::Names::usual;
}

/// The commands of section 2.1.
std::vector<std::string> commands_for(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  std::vector<std::string> lines;
  const auto doomed = secrets_to_delete(situation);
  if (!doomed.empty() && kind_of(doomed) == Context::Names::random) {
    lines.push_back(shell_line(options.downstream_kubectl,
                               commands::delete_secrets(options.name_space, doomed)));
  } else {
    for (const auto& name : doomed) {
      lines.push_back(shell_line(options.downstream_kubectl,
                                 commands::delete_secret_with(options.name_space, name)));
    }
  }
  const auto makes = token_maker(seen) == TokenMaker::retrust;
  if (situation.order() == Order::record_first) return lines;
  if (makes && doomed.size() == seen.downstream.tokens.size()) {
    lines.push_back(shell_line(options.downstream_kubectl, Kubectl::create_args()));
  }
  if (makes || needs_first_place(seen)) {
    lines.push_back(shell_line(options.downstream_kubectl, Kubectl::replace_args()));
  }
  return lines;
}

constexpr const char* not_taken_back =
    "cannot be taken back: rollback restores what Rancher has stored, not a deleted token";

std::vector<std::string> notes_for(const Observation& seen) {
  std::vector<std::string> notes{not_taken_back};
  const auto kubernetes = seen.downstream.kubernetes_version;
  switch (token_maker(seen)) {
    case TokenMaker::kubernetes:
      break;
    case TokenMaker::agents:
      notes.push_back(
          fmt::format("Kubernetes {} makes no other by itself: the agents do when they "
                      "start, and retrust where none of them does",
                      kubernetes));
      break;
    case TokenMaker::retrust:
      notes.push_back(
          fmt::format("neither Kubernetes {} nor these agents make another: retrust "
                      "does, and lists it first in the service account cattle",
                      kubernetes));
      break;
  }
  return notes;
}

/// The plan where Rancher has the next token before the old one goes.
PlannedStep plan_last(const Situation& situation) {
  const auto& tokens = situation.seen.downstream.tokens;
  const Step step = Step::delete_token;
  const auto reason = why_agents_stay(situation.seen);
  if (!reason.empty() && !is_redeployed(situation)) return {step, Need::not_needed, reason};
  const auto rejected = std::find_if(tokens.begin(), tokens.end(), [](const TokenSecret& secret) {
    return secret.verdict == Verdict::rejected;
  });
  if (rejected == tokens.end()) {
    return {step, Need::not_needed,
            fmt::format("the cluster rejects no token of {}", account_text(situation.seen))};
  }
  return {step,
          Need::needed,
          why_rejected(*rejected) + "; it goes after Rancher has the next one",
          commands_for(situation),
          {not_taken_back}};
}

PlannedStep plan(const Situation& situation) {
  if (situation.order() == Order::record_first) return plan_last(situation);
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  const Step step = Step::delete_token;
  const auto maker = token_maker(seen);
  const auto none = seen.downstream.tokens.empty();
  if (none && maker == TokenMaker::agents) {
    return {step, Need::not_needed,
            "there is no token secret of cattle: the agents make one when they start"};
  }
  if (none && maker == TokenMaker::kubernetes) {
    return {step, Need::needed, "there is no token secret of cattle: wait for a new one"};
  }
  auto reason = none ? std::string("there is no token secret of cattle: make one")
                     : why_delete(seen, options);
  if (reason.empty()) reason = account_trouble(seen);
  if (!reason.empty()) {
    return {step, Need::needed, std::move(reason), commands_for(situation), notes_for(seen)};
  }
  const auto& live = *seen.live();
  if (live.verdict == Verdict::unknown && !live.reason.empty()) {
    return {step, Need::not_needed,
            fmt::format("whether the cluster accepts the token in {} is not clear, and only what "
                        "it certainly rejects is deleted: {}",
                        live.name, live.reason)};
  }
  return {step, Need::not_needed, fmt::format("the cluster accepts the token in {}", live.name)};
}

awaitable<void> wait_for_token(Context context, std::set<Uid> doomed) {
  context.journal().wait_started("for a new token secret of cattle, with token and CA",
                                 context.wait());
  const auto in_time = co_await watch_for_token(context, context.wait(), std::move(doomed));
  if (!in_time) {
    throw Failure(ExitStatus::gave_up,
                  fmt::format("no complete token secret of cattle appeared within {}",
                              duration_text(context.wait())),
                  "is kube-controller-manager running, with --service-account-private-key-file? "
                  "Then run again: what is left is done");
  }
  context.journal().wait_ended(
      fmt::format("{} is there", context.seen().downstream.tokens.front().name));
}

awaitable<void> delete_secrets(Context context, Deletion deletion, std::vector<ObjectName> names) {
  const auto kubectl = context.downstream();
  std::vector<ObjectName> gone;
  if (kind_of(names) == Context::Names::random) {
    const auto begun = std::chrono::steady_clock::now();
    auto args = commands::delete_secrets(deletion.name_space, names);
    gone = co_await delete_named(kubectl, deletion, std::move(args));
    // Kubectl deleted what no other cluster has.
    if (gone.empty()) context.connected(Side::downstream, begun);
  } else {
    gone = co_await delete_exactly(kubectl, deletion);
  }
  context.secrets_are_gone(deletion);
  context.were_gone(Step::delete_token, deletion, gone);
}

/// Lists the live token secret first in the account: agents of 2.5.8 to 2.6.6 take the first secret
/// that their account lists.
awaitable<void> list_token_first(Context context) {
  const auto* live = context.seen().live();
  if (live == nullptr || context.seen().downstream.account_secret == live->name) co_return;
  const auto name = live->name;
  const auto kubectl = context.downstream();
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    auto account = co_await kubectl.get(
        commands::service_account(context.options().name_space, agent_account));
    if (!account.is_object()) break;
    const auto known =
        text_at(account, "/metadata/uid") == context.seen().downstream.service_account_uid.text();
    context.folder().save("serviceaccount-" + std::string(agent_account), account.get_object(),
                          context.journal(), fmt::format("the service account {}", agent_account));
    list_secret_first(account.get_object(), name, context.seen().downstream.secret_names);
    auto text = fmt::format("listing {} first in the service account cattle", name);
    if (known) {
      context.announce(text);
    } else {
      co_await context.check_and_announce(kubectl, std::move(text));
    }
    auto conflict = false;
    try {
      co_await kubectl.replace(std::move(account.get_object()));
    } catch (const KubectlFailure& failure) {
      // The token controller removes the deleted secret from the list at the same time.
      if (failure.kind != KubectlError::conflict) throw;
      conflict = true;
    }
    if (conflict) continue;
    context.account_lists_first(name);
    co_return;
  }
  throw Failure(FailureCode::changed_meanwhile,
                fmt::format("the service account cattle was changed by somebody else {} times in a "
                            "row",
                            replace_attempts),
                "find out who does, then run again");
}

/// Throws Failure unless Rancher has stored credentials with which the cluster was reached.
awaitable<void> check_next_is_stored(Context context) {
  if (!context.seen().comparison().equal()) {
    throw Failure(
        context.state().changed ? ExitStatus::failed : ExitStatus::refused,
        "Rancher has not stored the next token yet, so the old one is not deleted",
        Advice::retrust("repair what Rancher has stored first", "step", "update-cluster"));
  }
  co_await prove(context);
}

awaitable<void> run(Context context) {
  // Rancher deploys them again in the same run, and they run until then.
  const auto redeployed =
      is_redeployed(context.situation()) && context.expects(Step::redeploy_agents);
  if (!redeployed) check_agents_connect(context.situation());
  const auto last = context.order() == Order::record_first;
  if (last) co_await check_next_is_stored(context);
  const auto names = secrets_to_delete(context.situation());
  Deletion deletion{"secret", context.options().name_space, {}};
  std::set<Uid> doomed;
  for (const auto& secret : context.seen().downstream.tokens) {
    if (std::find(names.begin(), names.end(), secret.name) == names.end()) continue;
    deletion.uids[secret.name] = secret.uid;
    doomed.insert(secret.uid);
  }
  const auto maker = token_maker(context.seen());
  const auto first = needs_first_place(context.seen());
  std::vector<awaitable<void>> tasks;
  // The watch begins with the deletion, because a new secret is there within 0.1 s.
  const auto comes = !names.empty() || context.seen().downstream.tokens.empty();
  if (maker == TokenMaker::kubernetes && !last && comes) {
    tasks.push_back(wait_for_token(context, std::move(doomed)));
  }
  if (!names.empty()) {
    auto text = fmt::format("deleting token {} {}", names.size() == 1 ? "secret" : "secrets",
                            enumerated(texts_of(names)));
    co_await context.check_and_announce(context.downstream(), std::move(text), kind_of(names));
    context.state().deleted_secrets.insert(names.begin(), names.end());
    tasks.push_back(delete_secrets(context, std::move(deletion), names));
  }
  co_await when_all(std::move(tasks));
  if (last || (maker != TokenMaker::retrust && !first)) co_return;
  if (context.seen().downstream.tokens.empty()) co_await make_account_secret(context);
  co_await list_token_first(context);
}

StepResult result(const Observation& seen) {
  const auto* live = seen.live();
  return {live == nullptr
              ? std::string("the agents will make a token secret when they start")
              : fmt::format("{} token secret is {}",
                            is_ranchers_own(seen) ? fmt::format("{}'s", account_text(seen))
                                                  : std::string("the agents'"),
                            live->name)};
}

void check(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto nobody = token_maker(seen) == TokenMaker::agents &&
                      situation.options.skip.contains(Step::recreate_agents) &&
                      secrets_to_delete(situation).size() == seen.downstream.tokens.size();
  if (situation.order() == Order::usual && nobody) {
    throw Failure(ExitStatus::refused,
                  "only agents that start make another token secret, and 2.2 is skipped",
                  "run without --skip 2.2, or with --skip 2.1,2.2");
  }
  for (const auto& secret : seen.downstream.tokens) {
    if (secret.invalid_since.empty() || secret.verdict != Verdict::rejected) continue;
    // kubernetes/kubernetes v1.30.0,
    // pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.
    throw Failure(
        ExitStatus::refused,
        fmt::format("Kubernetes has marked {} as unused since {}: its token may be good without "
                    "the mark",
                    secret.name, secret.invalid_since),
        {"take the mark away, which deletes nothing, and run again",
         shell_line(situation.options.downstream_kubectl,
                    commands::unmark_secret(situation.options.name_space, secret.name))},
        secret.reason);
  }
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions& options) {
  const auto maker = token_maker(seen);
  const auto& name_space = options.name_space;
  std::vector<Permission> needed{{Side::downstream, "delete", "", "secrets", name_space},
                                 {Side::downstream, "watch", "", "secrets", name_space}};
  if (maker != TokenMaker::kubernetes) {
    needed.push_back({Side::downstream, "create", "", "secrets", name_space});
  }
  const auto lists = maker == TokenMaker::retrust || needs_first_place(seen);
  if (lists && !is_ranchers_own(seen)) {
    needed.push_back({Side::downstream, "update", "", "serviceaccounts", name_space});
  }
  return needed;
}

}  // namespace

extern const StepWork delete_token{
    .plan = plan, .run = run, .result = result, .permissions = permissions, .check = check};

}  // namespace retrust
