// Section 2.2: recreates the agents' pods.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/live_account.h"
#include "observe/observe_new_pods.h"
#include "observe/parse.h"
#include "observe/stuck_agents.h"
#include "observe/trim.h"
#include "process/tasks.h"
#include "steps/live_credentials.h"
#include "steps/named_deletion.h"
#include "steps/outlook.h"
#include "steps/pod_wait.h"
#include "steps/stored_credentials.h"
#include "steps/token_secret.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Time for ready agents to make their token secret.
constexpr std::chrono::milliseconds agents_token_wait{std::chrono::seconds{30}};
/// Longest time between looks for pods that get no sandbox. A kubelet tries again after some
/// seconds.
constexpr std::chrono::milliseconds between_looks{std::chrono::seconds{10}};
/// Time for which the pull of an image may fail. A kubelet pauses for 10, 20 and 40 s.
constexpr std::chrono::milliseconds image_wait{std::chrono::seconds{60}};
/// Limit of rounds that delete new pods with a deleted secret. A race takes one round.
constexpr int most_rounds = 5;

std::string names_text(const std::vector<Pod>& pods) {
  return enumerated(texts_of(names_of(pods)));
}

/// Random if a controller made each pod with random letters at the end of its name. Other pods may
/// have the names of other clusters' pods.
Context::Names names_kind(const std::vector<Pod>& pods) {
  const auto random = std::all_of(pods.begin(), pods.end(), [](const Pod& pod) {
    return pod.owner_kind == "ReplicaSet" || pod.owner_kind == "DaemonSet";
  });
  return random ? Context::Names::random : Context::Names::usual;
}

bool mounts_any(const Pod& pod, const std::set<ObjectName>& secrets) {
  return pod.service_account == agent_account &&
         std::any_of(pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
                     [&](const ObjectName& name) { return secrets.contains(name); });
}

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  const Step step = Step::recreate_agents;
  const auto pods = pods_to_recreate(situation);
  // --all-pods chooses the pods of a needed step. It does not make the step needed.
  auto agents_only = options;
  agents_only.pods = PodChoice::agents;
  const auto stale = pods_to_recreate({seen, agents_only, situation.state});
  PlannedStep planned{step, Need::needed, {}};
  if (!pods.empty()) {
    planned.commands = {shell_line(options.downstream_kubectl,
                                   commands::delete_pods(options.name_space, names_of(pods)))};
  }
  const auto comparison = seen.comparison();
  const auto count = counted(pods.size(), "pod");
  if (const auto reason = why_agents_stay(seen); !reason.empty()) {
    if (!is_redeployed(situation)) return {step, Need::not_needed, reason};
    return {step, Need::depends,
            "if pods of the agents are still old when Rancher has deployed them"};
  }
  if (situation.performed(Step::redeploy_agents) && stale.empty() && !situation.every()) {
    return {step, Need::not_needed, "Rancher has deployed new agents"};
  }
  if (is_ranchers_own(seen) && !situation.every()) {
    if (stale.empty()) {
      return {step, Need::not_needed,
              fmt::format("the agents do not use the token of {}", account_text(seen))};
    }
    planned.reason = fmt::format("{} started before the renewal, and may hold the old CA", count);
  } else if (token_is_to_come(situation) || situation.performed(Step::delete_token)) {
    const auto what = token_maker(seen) == TokenMaker::agents
                          ? "must make a new token secret, and report it when they start"
                          : "must load the new token secret, and report when they start";
    planned.reason = fmt::format("{} {}", count, what);
  } else if (!comparison.equal() && no_report(seen).empty()) {
    planned.reason = fmt::format("stored and live {} differ: {} report when they start",
                                 differing(comparison), count);
  } else if (situation.every()) {
    planned.reason = "every section was asked for";
  } else if (!stale.empty()) {
    planned.reason =
        fmt::format("{} of the agents started before the present token secret was made",
                    counted(stale.size(), "pod"));
  } else {
    if (const auto stuck = stuck_agents(seen); !stuck.empty()) {
      return {step, Need::not_needed,
              fmt::format("{}, for another reason than its token", stuck_text(stuck))};
    }
    return {step, Need::not_needed,
            agent_pods(seen.downstream.pods).empty()
                ? "there is no pod of an agent to recreate"
                : "the agents run with the present token secret"};
  }
  if (auto trouble = why_agents_may_be_lost(seen); !trouble.empty()) {
    planned.notes.push_back(fmt::format("the agents may not come back: {}{}", trouble,
                                        options.agent_loss == AgentLoss::allowed
                                            ? "; --allow-agent-loss overrides the refusal"
                                            : "; a run is refused without --allow-agent-loss"));
  }
  for (const auto& workload : seen.affected.workloads) {
    if (workload.role != AffectedWorkload::Role::network_plugin) continue;
    planned.notes.push_back(fmt::format(
        "{} started before the renewal: where its token is rejected, no new pod starts, "
        "and the agents do not come back before it is restarted",
        workload.text()));
  }
  if (seen.registration.state == Registration::State::previous) {
    planned.notes.push_back(registration_trouble(seen.registration));
  }
  return planned;
}

std::string effect(const PlanOptions& options) {
  return options.pods == PodChoice::every
             ? fmt::format(
                   "2.2 restarts every pod of {}, running Helm operations too, and "
                   "Rancher shows the cluster as unavailable until the new agents "
                   "connect; workloads of other namespaces keep running",
                   options.name_space)
             : "2.2 restarts Rancher's agents, and Rancher shows the cluster as unavailable "
               "until the new agents connect; workloads keep running";
}

void check(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& missing = seen.downstream.missing_secrets;
  if (missing.empty()) {
    check_agents_may_go(situation);
    return;
  }
  throw Failure(ExitStatus::refused,
                fmt::format("the agents mount {} {}, which is not there: new pods could not start",
                            missing.size() == 1 ? "the secret" : "the secrets",
                            enumerated(texts_of(missing))),
                "apply the cluster's registration command (Rancher shows it) to make it again, "
                "then run again");
}

std::vector<Permission> permissions(const Observation&, const PlanOptions& options) {
  return {{Side::downstream, "delete", "", "pods", options.name_space},
          {Side::downstream, "watch", "", "pods", options.name_space}};
}

StepResult result(const Observation& seen) {
  std::vector<std::string> names;
  for (const auto& pod : agent_pods(seen.downstream.pods)) {
    if (pod.ready && !pod.terminating) names.push_back(pod.name.text());
  }
  return {names.empty() ? std::string("new agents run")
                        : fmt::format("new agents run: {}", enumerated(names))};
}

awaitable<void> await_agents_token(Context context) {
  const auto limit = std::min(context.wait(), agents_token_wait);
  const auto& journal = context.journal();
  journal.wait_started("for a token secret of the agents' own making", limit);
  const auto in_time = co_await watch_for_token(context, limit);
  if (in_time) {
    journal.wait_ended(fmt::format("{} is there", context.seen().downstream.tokens.front().name));
  } else {
    journal.warning(fmt::format("no agent made a token secret within {}", duration_text(limit)));
    co_await make_account_secret(context);
  }
  context.note_live();
}

awaitable<void> delete_pods(Context context, std::vector<Pod> pods) {
  const auto kubectl = context.downstream();
  const auto& name_space = context.options().name_space;
  Deletion deletion{"pod", name_space, {}};
  for (const auto& pod : pods) deletion.uids[pod.name] = pod.uid;
  auto args = commands::delete_pods(name_space, names_of(pods));
  const auto gone = co_await delete_named(kubectl, deletion, std::move(args));
  context.were_gone(Step::recreate_agents, deletion, gone);
}

/// Uses the time until the agents start for the watch, and for a trial of what they will report.
/// Throws nothing of its own, which would end the deletion beside it.
awaitable<void> look_ahead(Context context) {
  if (context.expects(Step::check_cluster)) co_await watch_stored(context);
  if (context.seen().live() == nullptr) co_return;
  if (context.expects(Step::get_token)) co_await show_live_secret(context);
  co_await try_live_early(context);
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

awaitable<void> read_new_pods(Context context) {
  auto seen = context.seen();
  seen.seen_at = now();
  auto known =
      co_await observe_new_pods(context.clusters(), context.options().name_space, std::move(seen));
  context.saw_new_pods(std::move(known));
}

/// Reads again whether new pods start, if that was not read a moment ago.
awaitable<void> read_new_pods_again(Context context) {
  constexpr std::chrono::seconds moment{30};
  if (const auto& at = context.seen().seen_at; at && now() - *at < moment) co_return;
  co_await read_new_pods(context);
}

/// Throws Failure (failed) as soon as a kubelet cannot start a new agent because of old
/// credentials. Goes on otherwise.
awaitable<void> watch_sandboxes(Context context, const PodWait& wait) {
  const auto& name_space = context.options().name_space;
  const auto period = std::min<std::chrono::milliseconds>(context.wait() / 4, between_looks);
  for (;;) {
    co_await pause(period);
    NewPods known;
    std::set<Uid> agents;
    for (const auto& pod : wait.present()) {
      const auto waits = pod.service_account == agent_account && !pod.ready && !wait.is_old(pod);
      if (waits) agents.insert(pod.uid);
    }
    if (agents.empty()) continue;
    try {
      known.rejected = co_await read_rejected(context.clusters().downstream,
                                              NamespaceName(name_space), std::move(agents));
    } catch (const Failure&) {
      // The watch of the pods tells of a server that is away.
      continue;
    }
    if (!known.rejected) continue;
    throw Failure(
        ExitStatus::failed, fmt::format("the new agents do not start: {}", new_pods_trouble(known)),
        Advice("the agents start by themselves when the network plugin, whose token or CA "
               "is old, was restarted; then run again; restart it",
               context.downstream().shown(network_plugin_command(context.seen()))));
  }
}

/// Throws Failure (gave_up): the agents do not start, or not in time.
awaitable<void> give_up(Context context, const PodWait& wait, std::string what) {
  context.saw_pods(wait.present());
  co_await read_new_pods(context);
  auto stuck = stuck_agents(context.seen());
  std::erase_if(stuck, [&](const StuckAgent& each) { return wait.is_old(each.pod); });
  const auto& kubectl = context.downstream();
  const auto& name_space = context.options().name_space;
  const auto args = !stuck.empty() && stuck.front().pod.restarts > 0
                        ? commands::previous_log(name_space, stuck.front().pod.name)
                        : commands::describe_pods(name_space);
  const auto text = stuck_text(stuck);
  throw Failure(ExitStatus::gave_up,
                fmt::format("{}: {}{}{}", what, wait.summary(), text.empty() ? "" : "; ", text),
                Advice("see why", kubectl.shown(args)));
}

/// Tells a pull that goes on failing from one that may pass.
class ImagePulls {
 public:
  explicit ImagePulls(std::chrono::milliseconds limit) : limit_(limit) {}
  /// True if the pod's image could not be pulled for longer than the limit.
  bool in_vain(const Pod& pod) {
    if (!lacks_image(pod)) {
      // Between two attempts a pod waits without a reason.
      if (pod.ready) failing_.erase(pod.uid);
      return false;
    }
    const auto now = std::chrono::steady_clock::now();
    return now - failing_.try_emplace(pod.uid, now).first->second > limit_;
  }

 private:
  std::chrono::milliseconds limit_;
  std::map<Uid, std::chrono::steady_clock::time_point> failing_;
};

awaitable<void> watch_pods(Context context, PodWait& wait, std::vector<Pod>& stale) {
  const auto kubectl = context.downstream();
  std::string last;
  std::set<Uid> before;
  for (const auto& pod : context.seen().downstream.pods) before.insert(pod.uid);
  ImagePulls pulls(std::min<std::chrono::milliseconds>(context.wait() / 4, image_wait));
  auto lasting = false;
  const auto on_event = [&](const WatchEvent& event) {
    const auto pod = parse_pod(event.object, Side::downstream);
    wait.see(event.type, pod);
    if (!wait.is_old(pod) && !pod.terminating && mounts_any(pod, context.state().deleted_secrets)) {
      wait.expect(pod);
      stale.push_back(pod);
      return Flow::stop;
    }
    const auto agent = pod.service_account == agent_account && !pod.terminating;
    const auto old = wait.is_old(pod);
    // Nothing waits for a DaemonSet's pod, nor for one that was there before.
    const auto awaited =
        agent && pod.owner_kind == "ReplicaSet" && !before.contains(pod.uid) && !pod.ready;
    lasting = awaited && (!why_never_running(pod).empty() || pulls.in_vain(pod));
    if (lasting) return Flow::stop;
    auto text = wait.summary();
    if (const auto why = why_not_running(pod); !old && agent && !why.empty()) {
      text += fmt::format("; {}: {}", pod.name, why);
    }
    if (text != last) {
      context.journal().wait_progress(text);
      last = std::move(text);
    }
    return wait.done() ? Flow::stop : Flow::go_on;
  };
  const auto args = commands::pods(context.options().name_space);
  const auto deadline = context.deadline();
  for (;;) {
    const auto in_time = co_await kubectl.watch(
        args, deadline.left(), [&] { wait.restart(); }, on_event);
    if (!in_time) {
      co_await kubectl.check_answers(
          fmt::format("whether the agents started again within {}", duration_text(context.wait())));
      co_await give_up(
          context, wait,
          fmt::format("the agents did not start again within {}", duration_text(context.wait())));
    }
    if (lasting) co_await give_up(context, wait, "the agents do not start again");
    if (!stale.empty() || wait.certain()) break;
    // An old pod that was never seen going may be further down in the list, so the whole list is
    // read.
    wait.restart();
    const auto list = co_await kubectl.get(args, downstream_trim());
    for (const auto* pod : items_of(list, "Pod")) {
      wait.see(WatchEvent::Type::added, parse_pod(*pod, Side::downstream));
    }
    wait.listed();
    if (wait.done()) break;
  }
}

awaitable<void> run(Context context) {
  co_await read_new_pods_again(context);
  check_agents_may_go(context.situation());
  // The agents report when they start, also after the end of this run.
  context.note_live();
  const auto& journal = context.journal();
  auto stale = pods_to_recreate(context.situation());
  PodWait wait(stale);
  journal.wait_started("for the old agents to be gone, and new ones to be ready", context.wait());
  // Another round follows if a pod started with the old secret while the others were being deleted.
  for (auto round = 0; round == 0 || !stale.empty(); ++round) {
    if (round == most_rounds) {
      throw Failure(
          ExitStatus::gave_up,
          fmt::format("pods that mount a deleted token secret were made again {} times",
                      most_rounds),
          Advice("find out who makes them", context.downstream().shown(commands::describe_pods(
                                                context.options().name_space))));
    }
    std::vector<awaitable<void>> tasks;
    if (!stale.empty()) {
      auto text = fmt::format("deleting {}: {}", counted(stale.size(), "pod"), names_text(stale));
      co_await context.check_and_announce(context.downstream(), std::move(text), names_kind(stale));
      tasks.push_back(delete_pods(context, stale));
      if (round == 0) tasks.push_back(look_ahead(context));
    }
    stale.clear();
    tasks.push_back(run_beside(watch_pods(context, wait, stale), watch_sandboxes(context, wait)));
    co_await when_all(std::move(tasks));
  }
  context.saw_pods(wait.present());
  journal.wait_ended(wait.summary());
  // The agents make a token secret of their own if no secret has their label, or if there is none.
  if (agents_make_tokens(context.seen())) co_await read_tokens_again(context);
  if (context.seen().live() == nullptr) co_await await_agents_token(context);
  // No warning: most of these pods are shutting down, and none of them reports.
  if (const auto late = wait.late(); !late.empty()) {
    context.run_journal().finding(fmt::format(
        "still going, not waited for (a node that is away keeps its pod): {}", names_text(late)));
  }
}

}  // namespace

extern const StepWork recreate_agents{.plan = plan,
                                      .run = run,
                                      .result = result,
                                      .effect = effect,
                                      .permissions = permissions,
                                      .check = check};

}  // namespace retrust
