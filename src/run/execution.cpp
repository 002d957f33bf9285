#include "run/execution.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/kubeconfig.h"
#include "observe/parse.h"
#include "observe/same_cluster.h"
#include "observe/server_container.h"
#include "observe/stored_token.h"
#include "process/gather.h"
#include "report/findings.h"
#include "report/report.h"
#include "run/preflight.h"
#include "steps/cluster_change.h"
#include "steps/step_result.h"

namespace retrust {

using boost::asio::awaitable;

void Execution::announce(const std::string& section, const std::string& text,
                         boost::json::object data) {
  journal(section).change(text, std::move(data));
  changed_ = true;
}

Kubectl Execution::downstream(Step step) const {
  return clusters_.downstream.in_section(std::string(info_of(step).section))
      .with(Patience{options_.wait});
}

Kubectl Execution::local(Step step) const {
  return clusters_.local.in_section(std::string(info_of(step).section))
      .with(Patience{options_.wait});
}

Programs Execution::programs() const {
  return {clusters_.downstream.target().program, tools_.docker.program()};
}

awaitable<void> Execution::prepare() {
  observed_ = std::chrono::steady_clock::now();
  observation_ = co_await observe(clusters_, options_.observe, journal_);
  keep_contexts(clusters_, observation_);
  options_.plan.downstream_kubectl = clusters_.downstream.shown_line();
  options_.plan.local_kubectl = clusters_.local.shown_line();
  // Where a check refuses, a reader wants to know which clusters were asked.
  journal_.finding(findings(observation_).front(), facts(observation_, programs()));
  warn_of_unverified(clusters_, observation_, journal_);
  check_right_clusters(observation_);
  co_await await_one_ca();
  observation_.container = co_await observe_server_container(
      tools_, options_.plan.backup.container, observation_.local, clusters_.redactor, journal_);
  observation_.backup =
      co_await observe_backup(tools_, options_.plan.backup, folder_.backup_folder(), observation_);
  auto lines = findings(observation_);
  auto data = facts(observation_, programs());
  for (auto line = std::next(lines.begin()); line != lines.end(); ++line) {
    journal_.finding(std::move(*line), std::move(data));
    data.clear();
  }
  stored_before_ = render_stored(observation_);
  journal_.difference(credentials_diff(observation_));
}

awaitable<Answer> Execution::confirm_plan(const Plan& plan) {
  const auto& cluster = observation_.local.cluster;
  const auto question = fmt::format("{}Do this to cluster {} ({}): {}?", effects_text(plan),
                                    cluster.display_name, cluster.id.text(), steps_text(plan));
  const auto answer = co_await confirm_(question);
  co_return answer;
}

awaitable<void> Execution::back_rancher_up() {
  for (const auto step : {Step::backup_container, Step::backup_etcd}) {
    const auto now = plan();
    if (now[step].need != Need::needed) continue;
    co_await perform(now[step]);
    backup_made_ = BackupMade::yes;
  }
}

awaitable<void> Execution::observe_again() {
  auto backup = std::move(observation_.backup);
  auto own_tokens = std::move(observation_.own_tokens);
  // Of tens of thousands of tokens each is tried once more before it is deleted.
  auto again = options_.observe;
  again.own_tokens = OwnTokensChoice::leave;
  auto container = std::move(observation_.container);
  observed_ = std::chrono::steady_clock::now();
  auto now = co_await observe(clusters_, again, journal_);
  check_same_clusters(observation_, now);
  observation_ = std::move(now);
  observation_.backup = std::move(backup);
  observation_.own_tokens = std::move(own_tokens);
  observation_.container = std::move(container);
  check_right_clusters(observation_);
  check_one_ca(observation_);
  check_may_change(observation_, plan());
}

awaitable<void> Execution::save_cluster() {
  auto& cluster = observation_.local.cluster;
  if (std::chrono::steady_clock::now() - observed_ > std::chrono::seconds{3}) {
    // Somebody thought about the question: save what is there now.
    const auto section = clusters_.local.in_section("2.5");
    auto fresh = co_await read_cluster(section, cluster.id, clusters_.redactor);
    check_same_resource(cluster, fresh);
    cluster = std::move(fresh);
  }
  save_stored(folder_, journal_, cluster, fmt::format("the clusters resource {}", cluster.id));
  saved_ = digest_of(cluster);
}

awaitable<void> Execution::perform(const PlannedStep& planned) {
  const auto& info = info_of(planned.step);
  const std::string section(info.section);
  journal(section).step_started(info.name, planned.reason);
  switch (planned.step) {
    case Step::backup_container:
      co_await backup_container();
      break;
    case Step::backup_etcd:
      co_await backup_etcd();
      break;
    case Step::delete_token:
      co_await delete_token();
      break;
    case Step::recreate_agents:
      co_await recreate_agents();
      break;
    case Step::get_token:
    case Step::get_ca:
      co_await read_live(planned.step);
      break;
    case Step::check_cluster:
      co_await check_cluster();
      break;
    case Step::update_cluster:
      co_await update_cluster();
      break;
    case Step::restart_rancher:
      co_await restart_rancher();
      break;
    case Step::repair_impersonation:
      co_await repair_impersonation();
      break;
  }
  progress_.performed.insert(planned.step);
  auto result = result_of(planned.step, observation_);
  journal(section).step_ended(info.name, std::move(result.text), result.word);
}

awaitable<void> Execution::run() {
  co_await and_end_watch(perform_plan());
}

awaitable<void> Execution::run_step(Step step) {
  co_await and_end_watch(perform_alone(step));
}

awaitable<void> Execution::and_end_watch(awaitable<void> work) {
  std::exception_ptr failure;
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  co_await cluster_watch_.end();
  if (failure) std::rethrow_exception(failure);
}

awaitable<void> Execution::perform_plan() {
  co_await prepare();
  const auto first = plan();
  journal_.plan(plan_text(first), plan_report(first));
  if (first.next_change() == nullptr && observation_.comparison().equal()) {
    journal_.finding("nothing is needed");
    co_await prove();
    co_await await_ready();
    journal_.finding(ready_text());
    set_verdict();
    verdict_ = "Nothing was needed: " + verdict_;
    co_return;
  }
  check_may_change(observation_, first);
  auto answer = co_await confirm_plan(first);
  co_await back_rancher_up();
  auto agreed = first;
  for (auto old = answer == Answer::yes || backup_made_ == BackupMade::yes; old;
       old = answer == Answer::yes) {
    co_await observe_again();
    const auto now = plan();
    const auto added = added_changes(agreed, now);
    if (added.empty()) break;
    journal_.warning(fmt::format("meanwhile more has come to be needed: {}", enumerated(added)));
    agreed = now;
    answer = co_await confirm_plan(now);
  }
  co_await save_cluster();

  watch_ahead_ = first[Step::check_cluster].need == Need::needed ? Ahead::yes : Ahead::no;
  for (const auto& info : all_steps()) {
    // A Secret that was only named so far is no reason for anything.
    while (stored_token_ == StoredToken::due) co_await read_due_token();
    const auto current = plan();
    if (current[info.step].need == Need::needed) co_await perform(current[info.step]);
  }
  if (!observation_.comparison().equal()) {
    throw Failure(ExitStatus::failed, "stored and live credentials still differ",
                  "run without --skip; see what is left to do: retrust plan");
  }
  co_await conclude();
}

awaitable<void> Execution::conclude() {
  // The proof first: where it fails that is what has to be said.
  std::vector<awaitable<void>> last;
  last.push_back(prove());
  last.push_back(await_ready());
  co_await gather(std::move(last));
  journal_.finding(ready_text());
  journal_.difference(unified_diff(stored_before_, render_stored(observation_),
                                   "stored in Rancher before", "stored in Rancher now"));
  set_verdict();
}

Plan Execution::left() const {
  auto options = options_.plan;
  options.extent = Extent::needed;
  return make_plan(observation_, options, progress_);
}

WayBack Execution::way_back() const {
  if (!saved_) return WayBack::none;
  const auto now = written_ ? *written_ : digest_of(observation_.local.cluster);
  return can_put_back(*saved_, now) ? WayBack::rollback : WayBack::none;
}

void Execution::set_verdict() {
  verdict_ = verdict_of_run(observation_, repaired_);
}

bool Execution::says_not_needed(Step step) {
  const auto planned = plan()[step];
  const auto unknown = step == Step::restart_rancher && !observation_.local.rancher.version;
  if (planned.need != Need::not_needed || options_.plan.extent != Extent::needed || unknown) {
    return false;
  }
  verdict_ = fmt::format("{} is not needed: {}", info_of(step).name, planned.reason);
  journal_.finding(verdict_);
  return true;
}

awaitable<void> Execution::perform_alone(Step step) {
  co_await prepare();
  // Asked for by itself a backup needs no other reason.
  auto options = options_.plan;
  if (info_of(step).effect == StepInfo::Effect::saves) options.extent = Extent::every;
  const auto now = make_plan(observation_, options, progress_);
  const auto& info = info_of(step);
  if (info.effect == StepInfo::Effect::changes) {
    if (step == Step::update_cluster) {
      // By itself it repairs what differs now, even where an agent might still report.
      progress_.performed.insert(Step::check_cluster);
    }
    if (says_not_needed(step)) co_return;
    check_may_change(observation_, now);
    const auto effect = effect_of(step, options_.plan);
    const auto answer = co_await confirm_(
        fmt::format("{}{}{}: {}?", effect, effect.empty() ? "" : ". ", info.section, info.title));
    if (answer == Answer::yes) {
      co_await observe_again();
      if (says_not_needed(step)) co_return;
    }
    co_await save_cluster();
    auto planned = plan()[step];
    // Nobody has waited for a report.
    if (step == Step::update_cluster) planned.reason = "stored and live credentials differ";
    co_await perform(planned);
    verdict_ = fmt::format("{} {} was done, and nothing else", info.section, info.name);
    if (step == Step::update_cluster) co_await conclude();
    co_return;
  }
  const auto& backup = observation_.backup.container;
  if (step == Step::backup_container && backup && backup->mapped()) {
    verdict_ = fmt::format("{} is not needed: {}", info.name, now[step].reason);
    journal_.finding(verdict_);
    co_return;
  }
  if (info.effect == StepInfo::Effect::saves) check_backup(observation_, step);
  co_await perform(now[step]);
  verdict_ = fmt::format("{} {} was done, and nothing else", info.section, info.name);
}

void Execution::note_live() {
  const auto* live = observation_.live();
  if (live == nullptr || !live->complete()) return;
  auto digest = digest_of(live->credentials);
  if (noted_ == digest) return;
  folder_.save("live-" + observation_.local.cluster.id.text(), to_json(digest), journal_,
               "digests of the live credentials", Weight::routine);
  noted_ = std::move(digest);
}

awaitable<void> Execution::prove() {
  const auto& stored = observation_.local.cluster.stored;
  const auto& server = observation_.downstream.kubeconfig.server;
  if (observation_.downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    journal_.warning(
        fmt::format("not provable from here: {} has a certificate of its own", server));
    co_return;
  }
  const auto proof =
      fmt::format("proof: {} was reached with the stored CA and the stored token", server);
  if (proven_ && compare(stored, *proven_).equal()) {
    observation_.stored_verdict = Verdict::accepted;
    journal_.finding(proof);
    co_return;
  }
  const TemporaryKubeconfig temporary(observation_.downstream.kubeconfig, stored);
  boost::json::value answer;
  try {
    answer = co_await clusters_.downstream.with_kubeconfig(temporary.path())
                 .with(Patience{options_.wait})
                 .get_raw("/api/v1/namespaces/kube-system");
  } catch (const KubectlFailure& failure) {
    if (is_away(failure.kind)) throw no_answer("stored", failure);
    throw Failure(
        ExitStatus::failed,
        fmt::format("the stored CA and token do not reach {}: {}", server, failure.what()),
        "run again; if it stays so, the cluster does not accept what it hands out itself",
        failure.detail);
  }
  const auto& uid = observation_.downstream.kube_system_uid;
  if (!uid.empty() && uid != text_at(answer, "/metadata/uid")) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("{} answered with the stored CA and token, but is another cluster", server),
        "find out what answers at that address, then run again");
  }
  observation_.stored_verdict = Verdict::accepted;
  journal_.finding(proof);
}

Failure Execution::no_answer(std::string_view which, const KubectlFailure& failure) const {
  return {ExitStatus::failed,
          fmt::format("{} did not answer, so the {} CA and token could not be tried",
                      observation_.downstream.kubeconfig.server, which),
          fmt::format("run again when the server answers to: {} get --raw /readyz",
                      shell_line(clusters_.downstream.shown_line().words)),
          failure.detail};
}

std::string Execution::ready_text() const {
  const auto& ready = observation_.local.cluster.ready;
  return fmt::format("Rancher says: Ready {}{}", ready.status,
                     ready.message.empty() ? "" : ": " + ready.message);
}

}  // namespace retrust
