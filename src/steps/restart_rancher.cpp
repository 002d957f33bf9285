// Section 3.1: restarts Rancher's server, as a Deployment or in a container.
#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "observe/commands.h"
#include "process/tasks.h"
#include "steps/context.h"
#include "steps/outlook.h"
#include "tools/container.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Pause between two questions to a server that is starting, which offers no watch.
constexpr std::chrono::milliseconds pause_between{500};
constexpr std::chrono::minutes restart_limit{3};

/// Exit statuses of docker if the command could not be started.
constexpr int cannot_be_run = 126;
constexpr int not_there = 127;

/// Reason why Rancher is not back. Empty if the cluster in the container and Rancher's server both
/// answer.
awaitable<std::string> why_not_back(Kubectl kubectl, Docker docker, std::string container) {
  std::string text;
  try {
    const auto healthy = co_await kubectl.get_raw_text("/healthz");
    if (!healthy.starts_with("ok")) co_return "its cluster is not healthy yet";
    Arguments ping{"curl", "-ks", "--max-time", "5", "https://127.0.0.1/ping"};
    const auto outcome = co_await docker.look(container, ping);
    // Rancher's image has curl. In an image without curl the cluster's answer is enough. Some
    // dockers report the missing program on standard output.
    const auto no_curl = outcome.ending == Ending::exited &&
                         (outcome.code == cannot_be_run || outcome.code == not_there);
    if (!no_curl && outcome.out.find("pong") == std::string::npos) {
      text = "Rancher's server does not answer yet";
    }
  } catch (const Failure& away) {
    const auto no_curl = away.detail.find("executable file") != std::string::npos;
    if (!no_curl) text = away.what();
  }
  co_return text;
}

/// True if the rollout is over by the rules of `kubectl rollout status`.
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

/// Earliest time at which a Rancher server can have read the live credentials.
std::chrono::sys_seconds credentials_since(const Observation& observation) {
  std::chrono::sys_seconds since{};
  if (const auto* live = observation.live(); live != nullptr) {
    since = live->created;
    for (const auto& ca : parse_certificates(observation.live_credentials()->ca_pem)) {
      since = std::max(since, ca.not_before);
    }
  }
  return since;
}

/// True if retrust can restart Rancher's server: a Deployment, or the named container of the local
/// cluster.
bool restartable(const Observation& seen) {
  return !seen.local.rancher.deployment.empty() ||
         (seen.container && seen.container->proof == ServerContainer::Proof::same_cluster);
}

/// True if a running server may have read the credentials before `moment`.
bool started_before(const Observation& seen, std::chrono::sys_seconds moment) {
  const auto& rancher = seen.local.rancher;
  if (rancher.deployment.empty()) {
    const auto started = seen.container->container.started;
    return !started || *started < moment;
  }
  return rancher.pods.empty() ||
         std::any_of(rancher.pods.begin(), rancher.pods.end(),
                     [&](const Pod& pod) { return !pod.terminating && pod.started < moment; });
}

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  const Step step = Step::restart_rancher;
  const auto& rancher = seen.local.rancher;
  std::vector<std::string> command;
  if (!rancher.deployment.empty()) {
    command.push_back(
        shell_line(options.local_kubectl,
                   commands::restart_deployment(rancher.name_space, rancher.deployment)));
  } else if (restartable(seen)) {
    command.push_back(shell_line({options.docker}, Docker::restart_args(seen.container->name)));
  }
  if (situation.every() && (!rancher.version || *rancher.version >= Version{2, 2, 0})) {
    return {step, Need::needed, "every section was asked for", command};
  }
  if (!rancher.version) {
    PlannedStep planned{
        step, Need::not_needed,
        fmt::format("Rancher's version cannot be read (\"{}\"): if it is 2.0 or 2.1, and "
                    "logs and shell do not work afterwards, run step 3.1",
                    rancher.version_text)};
    planned.doubtful = true;
    return planned;
  }
  const auto number = fmt::format("Rancher {}", rancher.version_text);
  if (*rancher.version >= Version{2, 2, 0}) {
    return {step, Need::not_needed, fmt::format("{} notices the change by itself", number)};
  }
  if (!restartable(seen)) {
    return {step, Need::not_needed,
            fmt::format("{} is no Deployment here{}: where it runs in a container of its own, "
                        "restart that afterwards ({} restart NAME), or logs and shell fail",
                        number,
                        seen.container ? ", and nothing shows that it is the container that was "
                                         "named"
                                       : "",
                        shell_line({options.docker}))};
  }
  const auto changes = token_is_to_come(situation) || !seen.comparison().equal();
  const auto since = std::max(credentials_since(seen),
                              situation.state.stored_changed.value_or(std::chrono::sys_seconds{}));
  if (!changes && !started_before(seen, since) && !situation.every()) {
    return {step, Need::not_needed,
            fmt::format("{} was started after the live credentials were made", number)};
  }
  return {step, Need::needed,
          fmt::format("{} keeps the old CA and token in memory: logs and shell would fail", number),
          command};
}

std::string effect(const PlanOptions&) {
  return "3.1 restarts Rancher's server, and nobody can use Rancher, for any cluster, until "
         "the new one answers; workloads keep running";
}

/// True if the deployment was restarted at that time or later. kubectl writes the time of its own
/// machine (kubernetes/kubectl kubernetes-1.35.0, pkg/polymorphichelpers/objectrestarter.go), which
/// is this machine's, or that of a container here.
bool restarted_since(const boost::json::value& deployment, std::chrono::sys_seconds time) {
  // The key of the annotation has a slash.
  const auto at = parse_moment(text_at(
      deployment, "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"));
  return at && *at >= time;
}

/// True if another restart of the same second leaves kubectl nothing to change: its annotation has
/// the time in seconds. kubernetes/kubectl kubernetes-1.20.0 ("empty patch") and kubernetes-1.32.0,
/// pkg/cmd/rollout/rollout_restart.go.
bool meets_restart(const KubectlFailure& failure) {
  return failure.detail.find("failed to create patch for ") != std::string::npos;
}

/// Restarts the deployment once: a second restart would end the servers of the first one.
awaitable<void> restart_deployment(Context context) {
  const auto rancher = context.seen().local.rancher;
  const auto kubectl = context.local();
  const auto begun = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto retries = kubectl.retries();
  for (;;) {
    std::optional<KubectlFailure> failed;
    try {
      const auto once = kubectl.with(RetryPolicy{});
      co_await once.change(commands::restart_deployment(rancher.name_space, rancher.deployment));
    } catch (const KubectlFailure& failure) {
      failed = failure;
    }
    if (!failed) break;
    // The servers of the other restart may have read the old record.
    const auto met = meets_restart(*failed);
    if (met) failed->kind = KubectlError::busy;
    co_await retries.wait_out(std::move(*failed));
    if (met) continue;
    const auto now =
        co_await kubectl.get(commands::deployment(rancher.name_space, rancher.deployment));
    if (!restarted_since(now, begun)) continue;
    context.journal().finding(
        fmt::format("deployment {} was restarted, and only the answer was lost: it is not "
                    "restarted again",
                    rancher.deployment));
    break;
  }
  retries.answered();
}

awaitable<void> restart_container(Context context) {
  const auto name = context.seen().container->name;
  const auto kubectl = context.local().with(RetryPolicy{});
  const auto docker = context.docker();
  context.announce(fmt::format("restarting the container {}", name));
  // docker itself waits for the container to stop.
  co_await docker.restart(name, std::max<std::chrono::milliseconds>(context.wait(), restart_limit));
  context.journal().wait_started("for Rancher and its cluster to answer again", context.wait());
  const auto deadline = context.deadline();
  std::string last;
  for (;;) {
    auto text = co_await why_not_back(kubectl, docker, name);
    if (text.empty()) break;
    if (deadline.over()) {
      throw Failure(ExitStatus::gave_up,
                    fmt::format("Rancher did not answer within {} of the restart of the container "
                                "{}",
                                duration_text(context.wait()), name),
                    Advice("see why", fmt::format("{} logs --tail 50 {}", docker.shown(), name)),
                    std::move(text));
    }
    if (text != last) context.journal().progress(text);
    last = std::move(text);
    co_await pause(pause_between);
  }
  context.journal().wait_ended("Rancher and its cluster answer again");
  context.forget_readiness();
}

awaitable<void> run(Context context) {
  const auto rancher = context.seen().local.rancher;
  if (!restartable(context.seen())) {
    const auto named = context.seen().container.has_value();
    const auto restart =
        fmt::format("restart its container ({} restart NAME)", context.docker().shown());
    throw Failure(
        ExitStatus::failed,
        named ? "nothing shows that Rancher runs in the container that was named, so it was "
                "not restarted"
              : "Rancher's server is no Deployment in the local cluster, so it was not "
                "restarted",
        restart + (named
                       ? ": logs and shell work after that"
                       : ", or name it with --rancher-container: logs and shell work after that"));
  }
  co_await context.cluster_watch().end();
  if (rancher.deployment.empty()) {
    co_await restart_container(context);
    co_return;
  }
  const auto kubectl = context.local();
  co_await context.check_and_announce(kubectl, fmt::format("restarting deployment {} in {}",
                                                           rancher.deployment, rancher.name_space));
  co_await restart_deployment(context);
  context.journal().wait_started("for Rancher's new server pods to be ready", context.wait());
  const auto args = commands::watched_deployment(rancher.name_space, rancher.deployment);
  const auto on_event = [](const WatchEvent& event) {
    return event.type != WatchEvent::Type::deleted && rolled_out(event.object) ? Flow::stop
                                                                               : Flow::go_on;
  };
  const auto on_list = [] {};
  const auto in_time = co_await kubectl.watch(args, context.wait(), on_list, on_event);
  if (!in_time) {
    co_await kubectl.check_answers(fmt::format(
        "whether Rancher's new server pods were ready within {}", duration_text(context.wait())));
    throw Failure(ExitStatus::gave_up,
                  fmt::format("Rancher's new server pods were not ready within {}",
                              duration_text(context.wait())),
                  Advice("see why", kubectl.shown(commands::describe_pods(rancher.name_space))));
  }
  context.journal().wait_ended("Rancher's new server pods are ready");
  context.forget_readiness();
}

StepResult result(const Observation&) {
  return {"Rancher's server was restarted"};
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions&) {
  const auto& rancher = seen.local.rancher;
  // retrust restarts only Rancher 2.0 and 2.1.
  const auto restarted = !rancher.version || *rancher.version < Version{2, 2, 0};
  if (rancher.deployment.empty() || !restarted) return {};
  return {{Side::local, "get", "apps", "deployments", rancher.name_space},
          {Side::local, "patch", "apps", "deployments", rancher.name_space},
          {Side::local, "watch", "apps", "deployments", rancher.name_space}};
}

}  // namespace

extern const StepWork restart_rancher{
    .plan = plan, .run = run, .result = result, .effect = effect, .permissions = permissions};

}  // namespace retrust
