// Section 2.2: lets Rancher deploy its agents again, where they cannot register again by
// themselves.
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/observe_registration.h"
#include "observe/parse.h"
#include "observe/redeployment.h"
#include "observe/right_clusters.h"
#include "observe/stored_token.h"
#include "observe/stuck_agents.h"
#include "observe/trim.h"
#include "steps/cluster_change.h"
#include "steps/context.h"
#include "steps/live_credentials.h"
#include "steps/outlook.h"
#include "steps/pod_wait.h"
#include "steps/stored_credentials.h"
#include "steps/token_secret.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

constexpr int annotate_attempts = 5;

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const Step step = Step::redeploy_agents;
  if (!seen.registration.keeps_out()) {
    return {step, Need::not_needed, "Rancher knows the agents' registration token"};
  }
  if (!rancher_redeploys(seen)) {
    return {step, Need::not_needed, "Rancher cannot deploy its agents again by itself here"};
  }
  const auto& cluster = seen.local.cluster;
  PlannedStep planned{
      step, Need::needed,
      fmt::format("Rancher does not know the agents' registration token: Rancher "
                  "deploys its agents again through the tunnel {}, with another "
                  "token",
                  cluster.connected.status == "True" ? "that stands"
                                                     : "(whether it stands, it does not say)")};
  planned.commands = {
      shell_line(situation.options.local_kubectl,
                 commands::deploy_agents_again(cluster.id, cluster.resource_version))};
  return planned;
}

/// The annotation by which Rancher is asked: "true", and "false" once Rancher has deployed
/// (rancher/rancher v2.12.3, pkg/controllers/management/clusterdeploy/clusterdeploy.go).
std::string asked_text(const ClusterResource& cluster) {
  return text_at(cluster.raw, fmt::format("/metadata/annotations/{}", force_deploy));
}

/// True if Rancher has deployed its agents since it was asked to.
bool is_deployed(const ClusterResource& cluster) {
  return asked_text(cluster) != "true" && cluster.agent_deployed.status == "True";
}

std::string deployment_text(const ClusterResource& cluster) {
  const auto& deployed = cluster.agent_deployed;
  return fmt::format("Rancher says: AgentDeployed {}{}{}",
                     deployed.status.empty() ? "nothing" : deployed.status.str(),
                     deployed.message.empty() ? "" : ": ", deployed.message);
}

/// Sets the annotation, on the version of the resource that was read last.
awaitable<void> ask_rancher(Context context) {
  const auto kubectl = context.local();
  const auto before = asked_text(context.seen().local.cluster);
  auto lost = false;
  for (int attempt = 1; attempt <= annotate_attempts; ++attempt) {
    const auto id = context.seen().local.cluster.id;
    auto now = co_await read_cluster(kubectl.by_process(), id, context.seen().local.rancher,
                                     context.redactor());
    context.saw_cluster(std::move(now));
    check_right_clusters(context.seen());
    const auto& cluster = context.seen().local.cluster;
    // Where only the answer was lost, a second question would restart the new agents.
    if (lost && asked_text(cluster) != before) co_return;
    save_stored(context.folder(), context.journal(), cluster, "what will be annotated");
    const auto args = commands::deploy_agents_again(cluster.id, cluster.resource_version);
    context.announce(
        fmt::format("asking Rancher to deploy its agents again: {}=true on the "
                    "clusters resource {} (resourceVersion {})",
                    force_deploy, cluster.id, cluster.resource_version));
    try {
      co_await kubectl.change(args);
      co_return;
    } catch (const KubectlFailure& failure) {
      if (failure.kind != KubectlError::conflict) throw;
      lost = lost || failure.repeated;
    }
    context.journal().warning(
        "somebody else changed the clusters resource in between: reading it again");
  }
  throw Failure(ExitStatus::failed,
                fmt::format("the clusters resource was changed by somebody else {} times in a row",
                            annotate_attempts),
                "find out who does, then run again");
}

awaitable<void> await_deployment(Context context) {
  const auto& journal = context.journal();
  journal.wait_started("for Rancher to deploy its agents", context.wait());
  const auto kubectl = context.local();
  const auto id = context.seen().local.cluster.id;
  std::string last;
  const auto on_event = [&](const WatchEvent& event) {
    take_stored(context, event.object);
    const auto& cluster = context.seen().local.cluster;
    if (is_deployed(cluster)) return Flow::stop;
    if (auto text = deployment_text(cluster); text != last) {
      journal.wait_progress(text);
      last = std::move(text);
    }
    return Flow::go_on;
  };
  const auto in_time = co_await kubectl.watch(
      commands::watched_cluster(id), context.wait(), [] {}, on_event);
  if (!in_time) {
    co_await kubectl.check_answers(fmt::format("whether Rancher deployed its agents within {}",
                                               duration_text(context.wait())));
    throw Failure(
        ExitStatus::gave_up,
        fmt::format("Rancher did not deploy its agents within {}: {}",
                    duration_text(context.wait()), deployment_text(context.seen().local.cluster)),
        "Rancher goes on trying, and the next run finishes. Its own log tells more");
  }
  journal.wait_ended("Rancher has deployed its agents");
}

/// Reads what the agents mount now, and whether Rancher knows it.
awaitable<void> read_agents(Context context) {
  const auto& name_space = context.options().name_space;
  const auto list = co_await context.clusters().downstream.get(
      commands::observe_downstream(name_space), downstream_trim());
  context.saw_agents(parse_downstream(list, name_space, context.redactor()));
  auto registration = co_await observe_registration(context.clusters(), context.seen());
  context.saw_registration(std::move(registration));
}

/// Follows the rollout: the pods that were there go when new ones are ready.
awaitable<void> await_rollout(Context context, std::vector<Pod> old) {
  const auto& journal = context.journal();
  journal.wait_started("for the agents that Rancher deployed", context.wait());
  PodWait wait(old);
  std::string last;
  const auto on_event = [&](const WatchEvent& event) {
    wait.see(event.type, parse_pod(event.object, Side::downstream));
    if (auto text = wait.summary(); text != last) {
      journal.wait_progress(text);
      last = std::move(text);
    }
    return wait.done() ? Flow::stop : Flow::go_on;
  };
  const auto kubectl = context.downstream();
  const auto& name_space = context.options().name_space;
  const auto args = commands::pods(name_space);
  const auto deadline = context.deadline();
  do {
    const auto in_time = co_await kubectl.watch(
        args, deadline.left(), [&] { wait.restart(); }, on_event);
    if (!in_time) {
      co_await kubectl.check_answers("whether the agents that Rancher deployed started");
      context.saw_pods(wait.present());
      const auto stuck = stuck_text(stuck_agents(context.seen()));
      throw Failure(ExitStatus::gave_up,
                    fmt::format("the agents that Rancher deployed did not start within {}: {}{}{}",
                                duration_text(context.wait()), wait.summary(),
                                stuck.empty() ? "" : "; ", stuck),
                    Advice("see why", kubectl.shown(commands::describe_pods(name_space))));
    }
    if (wait.certain()) break;
    // An old pod that went before the watch began is known as gone by the whole list alone.
    wait.restart();
    const auto list = co_await kubectl.get(args, downstream_trim());
    for (const auto* pod : items_of(list, "Pod")) {
      wait.see(WatchEvent::Type::added, parse_pod(*pod, Side::downstream));
    }
    wait.listed();
  } while (!wait.done());
  journal.wait_ended(wait.summary());
}

awaitable<void> run(Context context) {
  if (needs_system_token(context.situation())) {
    throw Failure(context.state().changed ? ExitStatus::failed : ExitStatus::refused,
                  fmt::format("the cluster rejects the token of {}, as which Rancher deploys its "
                              "agents",
                              context.seen().user_tokens.system.account),
                  Advice::retrust("let Rancher make another first", "step", "3.2"));
  }
  // Rancher deploys its agents by itself, too, as soon as it reaches the cluster.
  co_await read_agents(context);
  if (!context.seen().registration.keeps_out()) {
    context.run_journal().finding(
        "Rancher knows the agents' registration token: there is nothing to deploy");
    co_return;
  }
  // Rancher reaches the cluster with what it has stored.
  co_await prove(context);
  auto old = agent_pods(context.seen().downstream.pods);
  co_await ask_rancher(context);
  co_await await_deployment(context);
  co_await await_rollout(context, std::move(old));
  co_await read_agents(context);
  // The agents, or Kubernetes, may have made a token secret meanwhile.
  co_await read_tokens_again(context);
  if (!context.seen().registration.keeps_out()) co_return;
  throw Failure(ExitStatus::failed,
                "Rancher has deployed its agents, and does not know their registration token",
                Advice::retrust("see what they mount", "status"));
}

StepResult result(const Observation& seen) {
  return {seen.registration.keeps_out()
              ? "the agents could not register again"
              : "the agents have a registration token that Rancher knows"};
}

std::string effect(const PlanOptions&) {
  return "2.2 lets Rancher deploy its agents again, which restarts them; workloads keep running";
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions&) {
  if (!rancher_redeploys(seen)) return {};
  return {{Side::local, "patch", "management.cattle.io", "clusters", ""}};
}

}  // namespace

extern const StepWork redeploy_agents{.plan = plan,
                                      .run = run,
                                      .result = result,
                                      .effect = effect,
                                      .permissions = permissions,
                                      .check = check_redeployment};

}  // namespace retrust
