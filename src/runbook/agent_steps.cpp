// Sections 2.1 to 2.4: what is done to the downstream cluster.
#include <algorithm>
#include <tuple>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "binaries/json.h"
#include "process/gather.h"
#include "runbook/commands.h"
#include "runbook/execution.h"
#include "runbook/kubeconfig.h"
#include "runbook/parse.h"
#include "runbook/pod_wait.h"
#include "runbook/preflight.h"
#include "runbook/stored_token.h"
#include "transcript/text.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

std::vector<std::string> names_of(const std::vector<Pod>& pods) {
  std::vector<std::string> names;
  for (const auto& pod : pods) names.push_back(pod.name);
  return names;
}

std::string names_text(const std::vector<Pod>& pods) {
  return enumerated(names_of(pods));
}

bool mounts_any(const Pod& pod, const std::set<std::string>& secrets) {
  return pod.service_account == agent_account &&
         std::any_of(pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
                     [&](const std::string& name) { return secrets.contains(name); });
}

}  // namespace

awaitable<void> Execution::delete_token() {
  const auto names = secrets_to_delete(observation_, options_.plan);
  auto& seen = observation_.downstream;
  std::set<std::string> doomed;
  for (const auto& secret : seen.tokens) {
    if (std::find(names.begin(), names.end(), secret.name) != names.end())
      doomed.insert(secret.uid);
  }
  // The watch begins with the deletion, not after it: a new secret is there within a tenth of a
  // second.
  std::vector<awaitable<void>> tasks;
  tasks.push_back(wait_for_token(doomed));
  if (!names.empty()) {
    announce("2.1", fmt::format("deleting token {} {}", names.size() == 1 ? "secret" : "secrets",
                                enumerated(names)));
    tasks.push_back(change(downstream(Step::delete_token),
                           commands::delete_secrets(options_.plan.name_space, names)));
    for (const auto& name : names) seen.secret_names.erase(name);
    deleted_secrets_.insert(names.begin(), names.end());
  }
  co_await together(std::move(tasks));
}

awaitable<void> Execution::change(Kubectl kubectl, std::vector<std::string> args) {
  co_await kubectl.change(std::move(args));
}

awaitable<void> Execution::wait_for_token(const std::set<std::string>& doomed) {
  say(EventKind::wait_started, "2.1", "for a new token secret of cattle, with token and CA");
  std::vector<TokenSecret> found;
  const auto on_event = [&](const WatchEvent& event) {
    auto secret = parse_token_secret(event.object, agent_account, clusters_.redactor);
    if (!secret || doomed.contains(secret->uid)) return Flow::go_on;
    std::erase_if(found, [&](const TokenSecret& other) { return other.name == secret->name; });
    if (event.type == WatchEvent::Type::deleted) return Flow::go_on;
    if (!secret->complete()) {
      say(EventKind::wait_progress, "2.1",
          fmt::format("{} is there, but not filled in yet", secret->name));
    }
    found.insert(found.begin(), std::move(*secret));
    return found.front().complete() ? Flow::stop : Flow::go_on;
  };
  const auto args = commands::token_secrets(options_.plan.name_space);
  const auto in_time = co_await downstream(Step::delete_token)
                           .watch(
                               args, options_.wait, [&] { found.clear(); }, on_event);
  if (!in_time) {
    throw Failure(ExitStatus::gave_up,
                  fmt::format("no complete token secret of cattle appeared within {}",
                              duration_text(options_.wait)),
                  "is kube-controller-manager running, with --service-account-private-key-file? "
                  "Then run again: what is left is done");
  }
  auto& seen = observation_.downstream;
  for (const auto& secret : found) seen.secret_names.insert(secret.name);
  seen.tokens = std::move(found);
  say(EventKind::wait_ended, "2.1", fmt::format("{} is there", seen.tokens.front().name));
}

awaitable<void> Execution::recreate_agents() {
  // They report when they start, whether or not this run lives to see it.
  note_live();
  auto stale = pods_to_recreate(observation_, options_.plan);
  PodWait wait(stale);
  say(EventKind::wait_started, "2.2", "for the old agents to be gone, and new ones to be ready");
  // Once more where one started with the old secret while the others were being deleted.
  for (auto first = true; first || !stale.empty(); first = false) {
    std::vector<awaitable<void>> tasks;
    if (!stale.empty()) {
      announce("2.2",
               fmt::format("deleting {}: {}", counted(stale.size(), "pod"), names_text(stale)));
      tasks.push_back(delete_pods(names_of(stale)));
    }
    stale.clear();
    tasks.push_back(watch_pods(wait, stale));
    co_await together(std::move(tasks));
  }
  observation_.downstream.pods = wait.present();
  say(EventKind::wait_ended, "2.2", wait.summary());
  // Agents of such a Rancher make a token secret of their own where none has their label.
  if (keeps_token_in_secret(observation_.local.cluster, observation_.local.rancher)) {
    co_await read_tokens_again();
  }
  // No warning: most are still shutting down, and none of them reports.
  if (const auto late = wait.late(); !late.empty()) {
    finding(fmt::format("still going, not waited for (a node that is away keeps its pod): {}",
                        names_text(late)));
  }
}

awaitable<void> Execution::read_tokens_again() {
  const auto kubectl = downstream(Step::get_token);
  const auto& name_space = options_.plan.name_space;
  const auto list = co_await kubectl.get(commands::accounts_and_secrets(name_space));
  auto tokens = parse_tokens(list, name_space, clusters_.redactor);
  std::erase_if(tokens, [](const TokenSecret& secret) { return !secret.complete(); });
  if (tokens.empty()) co_return;
  std::vector<std::string> texts;
  for (const auto& secret : tokens) texts.push_back(secret.credentials.token);
  const auto verdicts = co_await review_tokens(kubectl, std::move(texts));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::tie(tokens[i].verdict, tokens[i].reason) = verdicts[i];
  }
  observation_.downstream.tokens = std::move(tokens);
  note_live();
}

awaitable<void> Execution::delete_pods(std::vector<std::string> names) {
  const auto kubectl = downstream(Step::recreate_agents);
  co_await kubectl.change(commands::delete_pods(options_.plan.name_space, names));
  // While the agents start there is time for what comes next, and to try what they will report.
  if (watch_ahead_ == Ahead::yes) co_await begin_cluster_watch();
  if (observation_.live() != nullptr) co_await try_live_early();
}

awaitable<void> Execution::watch_pods(PodWait& wait, std::vector<Pod>& stale) {
  const auto kubectl = downstream(Step::recreate_agents);
  std::string last;
  const auto on_event = [&](const WatchEvent& event) {
    const auto pod = parse_pod(event.object);
    wait.see(event.type, pod);
    if (!wait.is_old(pod) && !pod.terminating && mounts_any(pod, deleted_secrets_)) {
      wait.expect(pod);
      stale.push_back(pod);
      return Flow::stop;
    }
    if (auto text = wait.summary(); text != last) {
      say(EventKind::wait_progress, "2.2", text);
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
      throw Failure(ExitStatus::gave_up,
                    fmt::format("the agents did not start anew within {}: {}",
                                duration_text(options_.wait), wait.summary()),
                    fmt::format("see why with: {}", kubectl.shown({"-n", options_.plan.name_space,
                                                                   "describe", "pod"})));
    }
    if (!stale.empty() || wait.certain()) break;
    // An old pod that was never seen going may only be further down in the list: look at all.
    wait.restart();
    const auto list = co_await kubectl.get(args);
    for (const auto* pod : items_of(list, "Pod")) {
      wait.see(WatchEvent::Type::added, parse_pod(*pod));
    }
    if (wait.done()) break;
  }
}

awaitable<void> Execution::read_live(Step step) {
  const auto* live = observation_.live();
  if (live == nullptr) {
    throw Failure(ExitStatus::failed, "there is no token secret of cattle to read",
                  "run step delete-token, which waits for one, or run");
  }
  const auto kubectl = downstream(Step::get_token);
  // 2.3 and 2.4 read the same secret; the watch of 2.1 has just brought it.
  if (!progress_.performed.contains(Step::get_token) &&
      !progress_.performed.contains(Step::delete_token)) {
    const auto object =
        co_await kubectl.get(commands::secret(options_.plan.name_space, live->name));
    auto fresh = parse_token_secret(object, agent_account, clusters_.redactor);
    if (!fresh || !fresh->complete()) {
      throw Failure(ExitStatus::failed, fmt::format("{} holds no token and CA", live->name),
                    "run again");
    }
    const auto known = live->credentials.token == fresh->credentials.token;
    fresh->verdict = known ? live->verdict : Verdict::unknown;
    observation_.downstream.tokens = {std::move(*fresh)};
    live = observation_.live();
  }
  if (live->verdict == Verdict::rejected) {
    say(EventKind::warning, std::string(info_of(step).section),
        fmt::format("the cluster rejects the token in {}: {}", live->name, live->reason));
  }
  const auto lines = step == Step::get_token ? render_token(live->credentials.token)
                                             : render_ca(live->credentials.ca_pem);
  for (const auto& line : lines) finding(line);
}

}  // namespace retrust
