// Section 2.2: the agents' pods.
#include <algorithm>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/same_cluster.h"
#include "observe/trim.h"
#include "process/gather.h"
#include "run/execution.h"
#include "steps/pod_wait.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

std::vector<ObjectName> names_of(const std::vector<Pod>& pods) {
  std::vector<ObjectName> names;
  for (const auto& pod : pods) names.push_back(pod.name);
  return names;
}

std::string names_text(const std::vector<Pod>& pods) {
  return enumerated(texts_of(names_of(pods)));
}

/// How often new pods that mount a deleted secret are deleted: one round is what a race takes.
constexpr int most_rounds = 5;

bool mounts_any(const Pod& pod, const std::set<ObjectName>& secrets) {
  return pod.service_account == agent_account &&
         std::any_of(pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
                     [&](const ObjectName& name) { return secrets.contains(name); });
}

}  // namespace

awaitable<void> Execution::recreate_agents() {
  // They report when they start, also after the end of this run.
  note_live();
  auto stale = pods_to_recreate(observation_, options_.plan);
  PodWait wait(stale);
  journal("2.2").wait_started("for the old agents to be gone, and new ones to be ready",
                              options_.wait);
  // Once more where one started with the old secret while the others were being deleted.
  for (auto round = 0; round == 0 || !stale.empty(); ++round) {
    if (round == most_rounds) {
      throw Failure(ExitStatus::gave_up,
                    fmt::format("pods that mount a deleted token secret were made again {} times",
                                most_rounds),
                    fmt::format("find out who makes them: {}",
                                downstream(Step::recreate_agents)
                                    .shown(commands::describe_pods(options_.plan.name_space))));
    }
    std::vector<awaitable<void>> tasks;
    if (!stale.empty()) {
      co_await check_same_cluster(downstream(Step::recreate_agents),
                                  observation_.downstream.kube_system_uid);
      announce("2.2",
               fmt::format("deleting {}: {}", counted(stale.size(), "pod"), names_text(stale)));
      tasks.push_back(delete_pods(stale));
    }
    stale.clear();
    tasks.push_back(watch_pods(wait, stale));
    co_await together(std::move(tasks));
  }
  observation_.downstream.pods = wait.present();
  journal("2.2").wait_ended(wait.summary());
  // They make a token secret of their own where none has their label, or there is none at all.
  if (agents_make_tokens(observation_)) co_await read_tokens_again();
  if (observation_.live() == nullptr) co_await await_agents_token();
  // No warning: most are still shutting down, and none of them reports.
  if (const auto late = wait.late(); !late.empty()) {
    journal_.finding(fmt::format(
        "still going, not waited for (a node that is away keeps its pod): {}", names_text(late)));
  }
}

awaitable<void> Execution::delete_pods(std::vector<Pod> pods) {
  const auto kubectl = downstream(Step::recreate_agents);
  auto printed =
      co_await kubectl.change(commands::delete_pods(options_.plan.name_space, names_of(pods)));
  Deletion deletion{"pod", options_.plan.name_space, {}};
  for (const auto& pod : pods) deletion.uids[pod.name] = pod.uid;
  co_await check_deleted(kubectl, std::move(deletion), std::move(printed));
  // While the agents start there is time for what comes next, and to try what they will report.
  if (watch_ahead_ == Ahead::yes) co_await begin_cluster_watch();
  if (observation_.live() != nullptr) co_await try_live_early();
}

awaitable<void> Execution::watch_pods(PodWait& wait, std::vector<Pod>& stale) {
  const auto kubectl = downstream(Step::recreate_agents);
  std::string last;
  const auto on_event = [&](const WatchEvent& event) {
    const auto pod = parse_pod(event.object, Side::downstream);
    wait.see(event.type, pod);
    if (!wait.is_old(pod) && !pod.terminating && mounts_any(pod, deleted_secrets_)) {
      wait.expect(pod);
      stale.push_back(pod);
      return Flow::stop;
    }
    if (auto text = wait.summary(); text != last) {
      journal("2.2").wait_progress(text);
      last = std::move(text);
    }
    return wait.done() ? Flow::stop : Flow::go_on;
  };
  const auto args = commands::pods(options_.plan.name_space);
  const auto end = std::chrono::steady_clock::now() + options_.wait;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    const auto in_time = co_await kubectl.watch(
        args, std::max(left, std::chrono::milliseconds{0}), [&] { wait.restart(); }, on_event);
    if (!in_time) {
      co_await kubectl.check_answers(
          fmt::format("whether the agents started again within {}", duration_text(options_.wait)));
      throw Failure(ExitStatus::gave_up,
                    fmt::format("the agents did not start again within {}: {}",
                                duration_text(options_.wait), wait.summary()),
                    fmt::format("see why with: {}",
                                kubectl.shown(commands::describe_pods(options_.plan.name_space))));
    }
    if (!stale.empty() || wait.certain()) break;
    // An old pod that was never seen going may only be further down in the list: look at all.
    wait.restart();
    const auto list = co_await kubectl.get(args, downstream_trim());
    for (const auto* pod : items_of(list, "Pod")) {
      wait.see(WatchEvent::Type::added, parse_pod(*pod, Side::downstream));
    }
    wait.listed();
    if (wait.done()) break;
  }
}

}  // namespace retrust
