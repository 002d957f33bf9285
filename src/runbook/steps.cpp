#include <algorithm>

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

/// The rollout is over, as `kubectl rollout status` sees it.
bool rolled_out(const boost::json::value& deployment) {
  const auto number = [&](std::string_view pointer, std::int64_t missing) {
    const auto* found = find_at(deployment, pointer);
    return found != nullptr && found->is_int64() ? found->get_int64() : missing;
  };
  const auto wanted = number("/spec/replicas", 1);
  return number("/status/observedGeneration", 0) >= number("/metadata/generation", 0) &&
         number("/status/updatedReplicas", 0) == wanted &&
         number("/status/replicas", 0) == wanted &&
         number("/status/availableReplicas", 0) == wanted;
}

bool mounts_any(const Pod& pod, const std::set<std::string>& secrets) {
  return pod.service_account == agent_account &&
         std::any_of(pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
                     [&](const std::string& name) { return secrets.contains(name); });
}

constexpr int replace_attempts = 5;

constexpr const char* token_advice =
    "kube-controller-manager's --service-account-private-key-file and kube-apiserver's "
    "--service-account-key-file must be a pair; then run again";

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
  const auto& name_space = options_.plan.name_space;
  auto stale = pods_to_recreate(observation_, options_.plan);
  PodWait wait(stale);
  say(EventKind::wait_started, "2.2", "for the old agents to be gone, and new ones to be ready");
  // Once more where one started with the old secret while the others were being deleted.
  for (auto first = true; first || !stale.empty(); first = false) {
    std::vector<awaitable<void>> tasks;
    if (!stale.empty()) {
      announce("2.2",
               fmt::format("deleting {}: {}", counted(stale.size(), "pod"), names_text(stale)));
      tasks.push_back(change(downstream(Step::recreate_agents),
                             commands::delete_pods(name_space, names_of(stale))));
    }
    stale.clear();
    tasks.push_back(watch_pods(wait, stale));
    co_await together(std::move(tasks));
  }
  observation_.downstream.pods = wait.present();
  say(EventKind::wait_ended, "2.2", wait.summary());
  if (const auto late = wait.late(); !late.empty()) {
    say(EventKind::warning, "2.2",
        fmt::format("not replaced yet (their nodes may be away): {}", names_text(late)));
  }
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

awaitable<bool> Execution::watch_cluster(const Kubectl& kubectl, Target target) {
  std::string last;
  const auto on_event = [&](const WatchEvent& event) {
    if (event.type == WatchEvent::Type::deleted) return Flow::go_on;
    auto& cluster = observation_.local.cluster;
    const auto before = observation_.comparison();
    cluster = parse_cluster(event.object, clusters_.redactor);
    const auto now = observation_.comparison();
    if (!before.equal() && now.equal()) {
      progress_.stored_changed =
          std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    }
    auto text =
        fmt::format("stored and live {}; Rancher says: Ready {}{}",
                    now.equal() ? "are the same" : "differ", one_line(cluster.ready.status),
                    cluster.ready.message.empty() ? "" : ": " + one_line(cluster.ready.message));
    if (text != last) {
      say(EventKind::wait_progress, "2.5", text);
      last = std::move(text);
    }
    const auto reached =
        now.equal() && (target == Target::stored || cluster.ready.status == "True");
    return reached ? Flow::stop : Flow::go_on;
  };
  const auto args = commands::watched_cluster(observation_.local.cluster.id);
  co_return co_await kubectl.watch(
      args, options_.wait, [] {}, on_event);
}

awaitable<void> Execution::check_cluster() {
  say(EventKind::wait_started, "2.5", "for the live token and CA to be stored in Rancher");
  co_await watch_cluster(local(Step::check_cluster), Target::stored);
  const auto equal = observation_.comparison().equal();
  say(EventKind::wait_ended, "2.5",
      equal ? "Rancher has stored the live token and CA"
            : fmt::format("nothing was reported within {}", duration_text(options_.wait)));
}

awaitable<void> Execution::try_live() {
  const auto* live = observation_.live();
  if (live == nullptr || !live->complete()) {
    throw Failure(ExitStatus::failed, "there is no complete token secret of cattle to repair with",
                  "run step delete-token, which waits for one, or run");
  }
  if (proven_ == live->credentials) co_return;
  const auto kubectl = downstream(Step::update_cluster);
  if (observation_.downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    std::vector<std::string> tokens(1, live->credentials.token);
    const auto verdicts = co_await review_tokens(kubectl, std::move(tokens));
    if (verdicts.front().first == Verdict::accepted) co_return;
    throw Failure(ExitStatus::failed,
                  fmt::format("the cluster rejects the token in {}", live->name), token_advice,
                  verdicts.front().second);
  }
  const TemporaryKubeconfig temporary(observation_.downstream.kubeconfig, live->credentials);
  const auto with_live = kubectl.with_kubeconfig(temporary.path());
  try {
    const auto answer = co_await with_live.get_raw("/api/v1/namespaces/kube-system");
    if (answer.find(observation_.downstream.kube_system_uid) != std::string::npos) {
      proven_ = live->credentials;
    }
  } catch (const KubectlFailure& failure) {
    const auto ca = failure.kind == KubectlError::untrusted;
    throw Failure(ExitStatus::failed,
                  fmt::format("the {} in {} is not good for the cluster that made it",
                              ca ? "CA" : "token", live->name),
                  ca ? "give kube-controller-manager the new CA with --root-ca-file" : token_advice,
                  failure.detail);
  }
}

awaitable<void> Execution::try_live_early() {
  try {
    co_await try_live();
  } catch (const std::exception&) {
    // What is wrong with them is said where they are needed: the agents need not wait for it.
  }
}

awaitable<void> Execution::update_cluster() {
  // What agents report has been accepted from them; what is written by hand is tried before.
  co_await try_live();
  const auto& id = observation_.local.cluster.id;
  const auto kubectl = local(Step::update_cluster);
  const auto live = *observation_.live();
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    const auto object = co_await kubectl.get(commands::cluster(id));
    observation_.local.cluster = parse_cluster(object, clusters_.redactor);
    check_right_clusters(observation_);
    if (observation_.comparison().equal()) {
      finding("the live token and CA were reported meanwhile: nothing to repair");
      co_return;
    }
    auto raw = observation_.local.cluster.raw;
    const auto path = folder_.save("clusters-" + id, raw);
    say(EventKind::change, "2.5", fmt::format("saved what will be replaced as {}", path.string()));
    auto& status = raw["status"];
    if (!status.is_object()) status.emplace_object();
    status.get_object()["caCert"] = live.ca_base64;
    status.get_object()["serviceAccountToken"] = live.credentials.token;
    announce("2.5", fmt::format("replacing the clusters resource {} with the live token and CA "
                                "(resourceVersion {})",
                                id, observation_.local.cluster.resource_version));
    try {
      const auto stored = co_await kubectl.replace(std::move(raw));
      observation_.local.cluster = parse_cluster(stored, clusters_.redactor);
    } catch (const KubectlFailure& failure) {
      if (failure.kind != KubectlError::conflict) throw;
      say(EventKind::warning, "2.5",
          "somebody else changed the clusters resource in between: reading it again");
      continue;
    }
    if (!observation_.comparison().equal()) {
      throw Failure(ExitStatus::failed,
                    "the API server took the change of the clusters resource without keeping it",
                    fmt::format("the resource as it was is in {}", path.string()));
    }
    progress_.stored_changed =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    observation_.local.cluster.ready = {};
    co_return;
  }
  throw Failure(ExitStatus::failed,
                fmt::format("the clusters resource {} was changed by somebody else {} times in a "
                            "row",
                            id, replace_attempts),
                "find out who does, then run again");
}

awaitable<void> Execution::restart_rancher() {
  const auto& rancher = observation_.local.rancher;
  if (rancher.deployment.empty()) {
    throw Failure(ExitStatus::failed,
                  "Rancher's server is no Deployment in the local cluster, so it was not restarted",
                  "restart its container (docker restart NAME): logs and shell work after that");
  }
  const auto kubectl = local(Step::restart_rancher);
  announce("3.1",
           fmt::format("restarting deployment {} in {}", rancher.deployment, rancher.name_space));
  co_await kubectl.change(commands::restart_deployment(rancher.name_space, rancher.deployment));
  say(EventKind::wait_started, "3.1", "for Rancher's new server pods to be ready");
  const auto args = commands::watched_deployment(rancher.name_space, rancher.deployment);
  const auto on_event = [](const WatchEvent& event) {
    return event.type != WatchEvent::Type::deleted && rolled_out(event.object) ? Flow::stop
                                                                               : Flow::go_on;
  };
  const auto in_time = co_await kubectl.watch(
      args, options_.wait, [] {}, on_event);
  if (!in_time) {
    throw Failure(ExitStatus::gave_up,
                  fmt::format("Rancher's new server pods were not ready within {}",
                              duration_text(options_.wait)),
                  fmt::format("see why with: {}",
                              kubectl.shown({"-n", rancher.name_space, "describe", "pod"})));
  }
  say(EventKind::wait_ended, "3.1", "Rancher's new server pods are ready");
  observation_.local.cluster.ready = {};
}

awaitable<void> Execution::await_ready() {
  if (observation_.local.cluster.ready.status == "True") co_return;
  say(EventKind::wait_started, "2.5", "for Rancher to say that the cluster is ready");
  const auto kubectl = local(Step::check_cluster);
  const auto in_time = co_await watch_cluster(kubectl, Target::ready);
  if (!in_time) {
    const auto& ready = observation_.local.cluster.ready;
    throw Failure(ExitStatus::gave_up,
                  fmt::format("the live credentials are stored, but Rancher did not say that the "
                              "cluster is ready within {}",
                              duration_text(options_.wait)),
                  "look at the agents' logs; retrust status shows what Rancher says",
                  fmt::format("Ready {} {}", one_line(ready.status), one_line(ready.message)));
  }
  say(EventKind::wait_ended, "2.5", "Rancher says that the cluster is ready");
}

}  // namespace retrust
