#include "run/step_runner.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "observe/handed_out_ca.h"
#include "observe/observe_affected.h"
#include "observe/parse.h"
#include "observe/right_clusters.h"
#include "observe/same_cluster.h"
#include "observe/server_container.h"
#include "observe/stored_token.h"
#include "observe/stuck_agents.h"
#include "process/tasks.h"
#include "report/affected.h"
#include "report/report.h"
#include "report/situation.h"
#include "run/holder.h"
#include "steps/cluster_change.h"
#include "steps/live_credentials.h"
#include "steps/outlook.h"
#include "steps/step.h"
#include "steps/stored_credentials.h"
#include "transcript/plan_text.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Pause between two reads of objects of different kinds, which no single watch shows.
constexpr std::chrono::milliseconds pause_between{500};

/// What the operator has to know before the answer, if nothing proves the cluster.
std::string_view claim_text(const Observation& seen) {
  if (seen.identity != Identity::claimed) return {};
  return "Nothing proves which cluster this is: only its agents claim to be of the one that you "
         "named. ";
}

/// What the operator may add to the answer: the rejected tokens of Rancher's users. Empty if there
/// are none, or if that was decided before.
std::string tokens_offer(const Situation& situation) {
  const auto& options = situation.options;
  auto doomed = situation.seen.user_tokens.doomed();
  // The token of Rancher's own user goes with the plan.
  if (doomed > 0 && needs_system_token(situation)) --doomed;
  const auto decided = options.impersonation == Impersonation::repair ||
                       options.skip.contains(Step::repair_impersonation);
  if (doomed == 0 || decided) return {};
  return fmt::format(
      "deletes {} of Rancher's users that the cluster rejects (3.2; without it all access "
      "through Rancher stays broken for them)",
      counted(doomed, "token"));
}

}  // namespace

awaitable<void> StepRunner::prepare() {
  const auto& journal = context_.run_journal();
  observed_ = std::chrono::steady_clock::now();
  auto seen = co_await observe(context_.clusters(), observe_, journal);
  if (identified_) identified_(seen.local.cluster.id);
  context_.observed(seen);
  context_.connected(Side::downstream, observed_);
  context_.connected(Side::local, observed_);
  const Programs programs{context_.clusters().downstream.target().program,
                          context_.tools().docker.program()};
  // A reader of a refusal wants to know the clusters.
  const auto tell_clusters = [&] {
    journal.finding(findings(seen).front(), facts(seen, programs));
  };
  try {
    check_right_clusters(seen);
  } catch (const Failure&) {
    tell_clusters();
    throw;
  }
  journal.situation(situation_text(seen));
  tell_clusters();
  if (context_.options().backup.kind == BackupChoice::Kind::none) tell_waived_backup(journal);
  // The next actions may need a proposal when this cluster does not answer any more.
  if (lacks_backup(context_.options().backup)) {
    offers_ = co_await observe_backup_offers(context_.clusters().local);
  }
  co_await await_one_ca();
  seen = context_.seen();
  const auto& backup = context_.options().backup;
  seen.container = co_await observe_server_container(context_.tools(), backup.container, seen.local,
                                                     context_.redactor(), journal);
  seen.backup = co_await observe_backup(context_.tools(), backup, context_.folder().backup_folder(),
                                        seen, context_.clusters().local);
  context_.observed(seen);
  auto lines = findings(seen);
  auto data = facts(seen, programs);
  for (auto line = std::next(lines.begin()); line != lines.end(); ++line) {
    journal.finding(std::move(*line), std::exchange(data, {}));
  }
  for (auto& line : affected_notes(seen, context_.options().downstream_kubectl)) {
    journal.note(std::move(line));
  }
  stored_before_ = render_stored(seen);
  journal.difference(credentials_diff(seen));
}

awaitable<void> StepRunner::await_one_ca() {
  if (!holders_differ(context_.seen())) co_return;
  const auto live = *context_.seen().live();
  const auto& journal = context_.run_journal();
  journal.wait_started(fmt::format("for one CA in {} and kube-root-ca.crt", live.name),
                       context_.wait());
  const auto& name_space = context_.options().name_space;
  const auto account = context_.seen().downstream.account;
  const auto args = commands::ca_holders(name_space, live.name);
  const auto deadline = context_.deadline();
  auto text = ca_behind_text(context_.seen().downstream, live);
  std::string last;
  while (!text.empty() && !deadline.over()) {
    if (text != last) journal.wait_progress(text);
    last = text;
    co_await pause(pause_between);
    const auto list = co_await context_.clusters().downstream.find(args);
    if (!list) break;
    auto now = parse_downstream(*list, name_space, context_.redactor());
    now.right_ca = context_.seen().downstream.right_ca;
    const auto tokens = parse_tokens(*list, name_space, account, context_.redactor());
    text = tokens.empty() ? std::string() : ca_behind_text(now, tokens.front());
  }
  auto now = co_await observe(context_.clusters(), observe_, journal);
  check_same_clusters(context_.seen(), now);
  context_.observed(std::move(now));
  check_right_clusters(context_.seen());
  check_one_ca(context_.seen(), context_.options().downstream_kubectl);
  journal.wait_ended("the cluster hands out one CA");
}

awaitable<Answer> StepRunner::confirm_plan(const Plan& plan) {
  const auto& cluster = context_.seen().local.cluster;
  ConsentQuestion question;
  question.claim = claim_text(context_.seen());
  question.effects = effects_text(plan);
  question.cluster = fmt::format("{} ({})", cluster.display_name, cluster.id);
  question.changes = steps_text(plan);
  question.text = fmt::format("{}{}Do this to cluster {}: {}?", question.claim, question.effects,
                              question.cluster, question.changes);
  // A saved plan is performed as it is.
  if (!check_saved_plan_) question.more = tokens_offer(context_.situation());
  const auto answer = co_await confirm_(std::move(question));
  if (answer != Answer::all) co_return answer;
  context_.repair_impersonation_too();
  // Nobody needed to know before whether the operator may.
  auto seen = context_.seen();
  auto permissions = work_of(Step::repair_impersonation).permissions(seen, context_.options());
  co_await review_permissions(context_.clusters().downstream, std::move(permissions), seen);
  context_.observed(std::move(seen));
  check_may_change(context_.seen(), context_.plan(), context_.options());
  co_return Answer::yes;
}

void StepRunner::check_saved() const {
  if (check_saved_plan_) check_saved_plan_(context_.seen(), context_.options());
}

void StepRunner::check_named(const PlannedStep& agreed) const {
  if (!check_saved_plan_ || comes(agreed.need)) return;
  const auto& info = info_of(agreed.step);
  const auto& cluster = context_.seen().local.cluster;
  throw Failure(FailureCode::plan_changed,
                fmt::format("{} ({}) now needs {} {}, and the saved plan does not have this step",
                            cluster.display_name, cluster.id, info.section, info.name),
                Advice::retrust("see what is left to do", "plan"));
}

awaitable<void> StepRunner::back_rancher_up() {
  for (const auto& info : all_steps()) {
    if (info.effect != StepInfo::Effect::saves) continue;
    auto planned = context_.plan()[info.step];
    if (planned.need != Need::needed) continue;
    co_await perform(std::move(planned));
    backup_made_ = BackupMade::yes;
  }
}

awaitable<void> StepRunner::observe_again() {
  // The users' tokens, possibly tens of thousands, are not reviewed here: each is reviewed again
  // before its deletion.
  auto again = observe_;
  again.user_tokens = UserTokensChoice::leave;
  again.affected = AffectedChoice::leave;
  observed_ = std::chrono::steady_clock::now();
  auto now = co_await observe(context_.clusters(), again, context_.run_journal());
  const auto& before = context_.seen();
  check_same_clusters(before, now);
  now.backup = before.backup;
  now.user_tokens = before.user_tokens;
  now.affected = before.affected;
  now.container = before.container;
  // The other run may have restarted it.
  if (before.container && hold_.followed_another()) {
    now.container =
        co_await observe_server_container(context_.tools(), context_.options().backup.container,
                                          now.local, context_.redactor(), context_.run_journal());
  }
  context_.observed(std::move(now));
  context_.state().order = order_of(context_.seen());
  check_right_clusters(context_.seen());
  check_one_ca(context_.seen(), context_.options().downstream_kubectl);
  check_tunnel(context_.seen(), context_.options());
  check_may_change(context_.seen(), context_.plan(), context_.options());
}

awaitable<bool> StepRunner::take_hold() {
  if (std::exchange(held_, true)) co_return false;
  const auto& seen = context_.seen();
  const auto local = context_.clusters().local;
  const auto uid = seen.local.kube_system_uid;
  const auto& cluster = seen.local.cluster;
  HoldOptions options;
  options.cluster = cluster.id;
  options.uid = cluster.uid;
  options.called = fmt::format("{} ({})", cluster.display_name, cluster.id);
  const auto folder = context_.folder().path().filename().string();
  options.holder = text_of(
      this_process(context_.redactor().mask(operator_name_), context_.redactor().mask(folder)));
  options.wait = context_.wait();
  options.forbidden = enumerated(seen.missing_optional);
  // Somebody may have thought about the question.
  if (std::chrono::steady_clock::now() - observed_ > fresh_for) {
    co_await check_same_cluster_lately(local, uid);
  }
  co_await hold_.take(local, std::move(options));
  co_return true;
}

awaitable<void> StepRunner::save_cluster() {
  if (before_change_) co_await before_change_();
  // Somebody may have thought about the question.
  if (std::chrono::steady_clock::now() - observed_ > fresh_for) {
    const auto id = context_.seen().local.cluster.id;
    const auto rancher = context_.seen().local.rancher;
    auto fresh = co_await read_cluster(context_.clusters().local.in_section("2.5"), id, rancher,
                                       context_.redactor());
    context_.saw_cluster(std::move(fresh));
  }
  const auto& cluster = context_.seen().local.cluster;
  save_stored(context_.folder(), context_.run_journal(), cluster,
              fmt::format("the clusters resource {}", cluster.id));
  context_.state().saved = digest_of(cluster);
}

awaitable<void> StepRunner::perform(PlannedStep planned) {
  const auto& info = info_of(planned.step);
  const auto context = context_.in_section(info.section);
  context.journal().step_started(info.name, planned.reason);
  const auto other = co_await do_work(planned.step, context);
  context.state().performed.insert(planned.step);
  if (!other.empty()) {
    context.journal().step_ended(
        info.name, fmt::format("the run of {} did this for all clusters", other), "once for all");
    co_return;
  }
  auto result = work_of(planned.step).result(context.seen());
  const auto& others = context.state().others_deleted;
  if (others.contains(planned.step) && others.at(planned.step)) result.word = "already gone";
  context.journal().step_ended(info.name, std::move(result.text), result.word);
}

awaitable<std::string> StepRunner::do_work(Step step, Context context) {
  std::string other;
  if (share_ && info_of(step).about == StepInfo::About::rancher) {
    other = co_await share_(step, [&] { return work_of(step).run(context); });
  } else {
    co_await work_of(step).run(context);
  }
  // What another run did to Rancher ends what this one was told.
  if (!other.empty() && info_of(step).effect == StepInfo::Effect::changes) {
    co_await context_.cluster_watch().end();
    context_.forget_readiness();
    context_.state().changed = true;
  }
  co_return other;
}

awaitable<void> StepRunner::run() {
  co_await and_end_watch(perform_plan());
}

awaitable<void> StepRunner::run_step(Step step) {
  co_await and_end_watch(perform_alone(step));
}

awaitable<void> StepRunner::and_end_watch(awaitable<void> work) {
  std::exception_ptr failure;
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  // Each must end, also if the other fails.
  std::vector<awaitable<void>> ends;
  ends.push_back(context_.cluster_watch().end());
  ends.push_back(context_.shown_reads().end());
  ends.push_back(hold_.end());
  const auto failures = co_await all_settled(std::move(ends));
  if (failure) std::rethrow_exception(failure);
  for (const auto& each : failures) {
    if (each) std::rethrow_exception(each);
  }
}

bool StepRunner::nothing_left(const Plan& plan) const {
  return plan.next_change() == nullptr && context_.seen().comparison().equal();
}

awaitable<void> StepRunner::perform_plan() {
  co_await prepare();
  const auto& journal = context_.run_journal();
  context_.state().order = order_of(context_.seen());
  auto agreed = context_.plan();
  journal.plan(shown(agreed));
  check_saved();
  check_tunnel(context_.seen(), context_.options());
  if (nothing_left(agreed)) {
    journal.finding(still_wrong(context_.seen()).empty() ? "nothing is needed"
                                                         : "Rancher's record needs no repair");
    co_await conclude();
    const auto good = still_wrong(context_.seen()).empty();
    verdict_ = fmt::format("{}: {}", good ? "Nothing was needed" : "The record needed no repair",
                           verdict_);
    co_return;
  }
  check_may_change(context_.seen(), agreed, context_.options());
  auto answer = co_await confirm_plan(agreed);
  agreed = context_.plan();
  co_await back_rancher_up();
  co_await take_hold();
  for (auto old = true; old; old = answer == Answer::yes) {
    co_await observe_again();
    check_saved();
    auto now = context_.plan();
    if (nothing_left(now)) {
      journal.finding("the record needs no repair any more");
      co_await conclude();
      const auto good = still_wrong(context_.seen()).empty();
      verdict_ = fmt::format("{} any more: {}",
                             good ? "Nothing is needed" : "The record needs no repair", verdict_);
      co_return;
    }
    const auto changes = changes_text(agreed, now);
    if (changes.empty()) break;
    journal.warning(fmt::format("the plan changed meanwhile: {}", changes));
    journal.plan(shown(now));
    answer = co_await confirm_plan(now);
    agreed = context_.plan();
  }
  co_await save_cluster();

  std::set<Step> expected;
  for (const auto& planned : agreed.steps) {
    if (planned.need == Need::needed) expected.insert(planned.step);
  }
  context_.expect(std::move(expected));
  for (const auto& next : agreed.steps) {
    // The named Secret is read before it is a reason for a step.
    while (context_.state().stored_token_due) co_await read_due_token(context_);
    auto planned = context_.plan()[next.step];
    const auto backup = info_of(next.step).effect == StepInfo::Effect::saves;
    if (planned.need != Need::needed || backup) continue;
    check_named(next);
    co_await perform(std::move(planned));
  }
  while (context_.state().stored_token_due) co_await read_due_token(context_);
  if (!context_.seen().comparison().equal()) {
    throw Failure(ExitStatus::failed, "stored and live credentials still differ",
                  Advice::retrust("run without --skip; see what is left to do", "plan"));
  }
  co_await conclude();
}

awaitable<void> StepRunner::conclude() {
  // The proof comes first, because its failure matters most.
  const auto idle = context_.state().performed.empty();
  if (idle) {
    co_await prove(context_);
    // Rancher does not say Ready before the agents run, and nothing here starts them.
    if (stuck_agents(context_.seen()).empty()) co_await await_ready(context_);
  } else {
    std::vector<awaitable<void>> last;
    last.push_back(prove(context_));
    last.push_back(await_ready(context_));
    auto affected = context_.seen().affected;
    last.push_back(count_affected_again(context_.clusters().downstream,
                                        context_.options().name_space, affected));
    co_await wait_all(std::move(last));
    context_.saw_affected(std::move(affected));
  }
  // Others may have changed the stored credentials meanwhile.
  while (context_.state().stored_token_due) co_await read_due_token(context_);
  const auto& seen = context_.seen();
  check_still_stored(seen);
  const auto& journal = context_.run_journal();
  const auto& ready = seen.local.cluster.ready;
  journal.finding(fmt::format("Rancher says: Ready {}{}", ready.status,
                              ready.message.empty() ? "" : ": " + ready.message));
  if (!idle) {
    journal.difference(unified_diff(stored_before_, render_stored(seen), "stored in Rancher before",
                                    "stored in Rancher now"));
  }
  verdict_ = verdict_of_run(seen, repaired());
}

Plan StepRunner::left() const {
  auto options = context_.options();
  options.extent = Extent::needed;
  return make_plan(context_.seen(), options, context_.state());
}

WayBack StepRunner::way_back() const {
  const auto& state = context_.state();
  if (!state.saved) return WayBack::none;
  const auto now = state.written ? *state.written : digest_of(context_.seen().local.cluster);
  return can_put_back(*state.saved, now) ? WayBack::rollback : WayBack::none;
}

bool StepRunner::says_not_needed(const PlannedStep& planned) {
  if (planned.need != Need::not_needed || planned.doubtful) return false;
  verdict_ = fmt::format("{} is not needed: {}", info_of(planned.step).name, planned.reason);
  context_.run_journal().finding(verdict_);
  return true;
}

awaitable<void> StepRunner::perform_only(PlannedStep planned) {
  const auto& info = info_of(planned.step);
  co_await perform(std::move(planned));
  verdict_ = fmt::format("{} {} was done, and nothing else", info.section, info.name);
}

awaitable<void> StepRunner::perform_alone(Step step) {
  co_await prepare();
  context_.state().order = order_of(context_.seen());
  const auto& info = info_of(step);
  const auto& alone = work_of(step).alone;
  if (info.effect == StepInfo::Effect::reads) {
    auto planned = context_.plan()[step];
    co_await perform_only(std::move(planned));
    co_return;
  }
  if (info.effect == StepInfo::Effect::saves) {
    // A backup that was asked for by itself needs no other reason.
    auto options = context_.options();
    options.extent = Extent::every;
    const auto plan = make_plan(context_.seen(), options, context_.state());
    if (says_not_needed(plan[step])) co_return;
    if (const auto check = work_of(step).check; check != nullptr) check(context_.situation());
    co_await perform_only(plan[step]);
    co_return;
  }
  if (alone.instead_of) context_.state().performed.insert(*alone.instead_of);
  check_tunnel(context_.seen(), context_.options());
  const auto every = context_.options().extent == Extent::every;
  const auto plan = context_.plan();
  if (!every && says_not_needed(plan[step])) co_return;
  check_may_change(context_.seen(), plan, context_.options());
  const auto effect = work_of(step).effect;
  auto question = fmt::format("{}{}: {}?", claim_text(context_.seen()), info.section, info.title);
  if (effect != nullptr) question = fmt::format("{}. {}", effect(context_.options()), question);
  for (auto agreed = plan[step];;) {
    ConsentQuestion asked{question};
    const auto answer = co_await confirm_(std::move(asked));
    // With the cluster held, others change nothing any more. They may have before.
    const auto taken = co_await take_hold();
    if (answer != Answer::yes && !taken) break;
    co_await observe_again();
    const auto now = context_.plan();
    if (!every && says_not_needed(now[step])) co_return;
    const auto what = what_changed(agreed, now[step]);
    if (what.empty()) break;
    context_.run_journal().warning(
        fmt::format("the plan changed meanwhile: {} {} {}", info.section, info.name, what));
    context_.run_journal().plan(shown(now));
    agreed = now[step];
  }
  co_await save_cluster();
  auto planned = context_.plan()[step];
  if (!alone.reason.empty()) planned.reason = alone.reason;
  co_await perform_only(std::move(planned));
  if (alone.proves) co_await conclude();
}

}  // namespace retrust
