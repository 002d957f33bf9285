#include "steps/outlook.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/live_account.h"
#include "observe/redeployment.h"
#include "observe/stored_token.h"
#include "observe/stuck_agents.h"

namespace retrust {
namespace {

/// Longest time between the start of an agent's pod and its new token secret. The agent waits for
/// Rancher first.
constexpr std::chrono::minutes agents_head_start{10};

}  // namespace

std::vector<ObjectName> secrets_to_delete(const Situation& situation) {
  std::vector<ObjectName> names;
  const auto all_kinds = situation.order() == Order::usual;
  for (const auto& secret : situation.seen.downstream.tokens) {
    if (secret.verdict == Verdict::rejected ||
        (all_kinds && (situation.every() || !secret.complete()))) {
      names.push_back(secret.name);
    }
  }
  return names;
}

std::vector<Pod> pods_to_recreate(const Situation& situation) {
  const auto& observation = situation.seen;
  const auto& downstream = observation.downstream;
  if (situation.options.pods == PodChoice::every) return downstream.pods;
  const auto* live = observation.live();
  const auto own = is_ranchers_own(observation);
  const auto differs = !observation.comparison().equal() && (own || no_report(observation).empty());
  // The record was of before a renewal, as the agents are.
  const auto repaired = own && situation.performed(Step::update_cluster);
  const auto everyone = situation.every() || differs || repaired ||
                        !secrets_to_delete(situation).empty() || live == nullptr;
  // A secret that the agents made is a little younger than their pods.
  const auto head_start =
      agents_make_tokens(observation) ? agents_head_start : std::chrono::seconds{0};
  std::vector<Pod> pods;
  for (const auto& pod : agent_pods(downstream.pods)) {
    const auto gone = std::any_of(
        pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
        [&](const ObjectName& name) { return !downstream.secret_names.contains(name); });
    const auto older = !own && !everyone && pod.started + head_start < live->created;
    if (everyone || gone || older) pods.push_back(pod);
  }
  return pods;
}

bool token_is_to_come(const Situation& situation) {
  const auto& seen = situation.seen;
  if (situation.order() == Order::record_first) {
    return !situation.performed(Step::make_token) &&
           work_of(Step::make_token).plan(situation).need == Need::needed &&
           !situation.options.skip.contains(Step::make_token);
  }
  const auto deletion = !situation.performed(Step::delete_token) &&
                        work_of(Step::delete_token).plan(situation).need == Need::needed &&
                        !situation.options.skip.contains(Step::delete_token);
  return deletion || (seen.live() == nullptr && token_maker(seen) == TokenMaker::agents);
}

std::string why_agents_stay(const Observation& seen) {
  if (!seen.registration.keeps_out()) return {};
  return "Rancher does not know the agents' registration token: agents that restart would not "
         "connect again";
}

void check_agents_connect(const Situation& situation) {
  auto reason = why_agents_stay(situation.seen);
  if (reason.empty()) return;
  throw Failure(
      situation.state.changed ? ExitStatus::failed : ExitStatus::refused, std::move(reason),
      Advice::retrust("see how they get a registration token that Rancher knows", "status"));
}

std::string why_agents_may_be_lost(const Observation& seen) {
  auto trouble = new_pods_trouble(seen.new_pods);
  return trouble.empty() ? why_others_wait(seen) : trouble;
}

Arguments network_plugin_command(const Observation& seen) {
  const auto& older = seen.affected.workloads;
  const auto plugin = std::find_if(older.begin(), older.end(), [](const AffectedWorkload& each) {
    return each.role == AffectedWorkload::Role::network_plugin && !each.restartable.empty();
  });
  if (plugin == older.end()) return commands::daemon_sets();
  return commands::restart_workload(plugin->kind, plugin->name_space, plugin->restartable);
}

void check_new_agents_start(const Situation& situation) {
  const auto trouble = why_agents_may_be_lost(situation.seen);
  if (trouble.empty() || situation.options.agent_loss == AgentLoss::allowed) return;
  const auto& known = situation.seen.new_pods;
  std::string what = "mend that";
  auto command = commands::describe_pods(situation.options.name_space);
  if (known.rejected) {
    what = "restart the network plugin, whose token or CA is old";
    command = network_plugin_command(situation.seen);
  } else if (!known.no_node.empty()) {
    what = "bring a node back";
    command = commands::node_list();
  }
  const auto until = known.rejected ? fmt::format(", where no such event follows from {} on",
                                                  utc_text(known.rejected->at + fresh_event))
                                    : std::string();
  throw Failure(
      situation.state.changed ? ExitStatus::failed : ExitStatus::refused,
      fmt::format("{}; agents that are deleted now may not come back", trouble),
      Advice(fmt::format("--allow-agent-loss overrides that; better run again{} after this: {}",
                         until, what),
             shell_line(situation.options.downstream_kubectl, command)));
}

void check_agents_may_go(const Situation& situation) {
  check_agents_connect(situation);
  check_new_agents_start(situation);
}

bool is_redeployed(const Situation& situation) {
  return rancher_redeploys(situation.seen) && !situation.performed(Step::redeploy_agents) &&
         !situation.options.skip.contains(Step::redeploy_agents);
}

bool needs_system_token(const Situation& situation) {
  return is_redeployed(situation) && situation.seen.user_tokens.system.rejected;
}

void check_redeployment(const Situation& situation) {
  if (is_redeployed(situation)) check_new_agents_start(situation);
  if (!needs_system_token(situation) || situation.performed(Step::repair_impersonation)) return;
  const auto& system = situation.seen.user_tokens.system;
  const auto& options = situation.options;
  const auto refuse = [&](const std::string& why, Advice advice) {
    throw Failure(situation.state.changed ? ExitStatus::failed : ExitStatus::refused,
                  fmt::format("Rancher has to deploy its agents again, as {}, whose token the "
                              "cluster rejects: {}",
                              system.account, why),
                  std::move(advice));
  };
  if (!system.kept_because.empty()) {
    refuse(system.kept_because,
           "make a token secret for that account by hand, or apply the cluster's registration "
           "command, then run again");
  }
  const auto allowed =
      options.impersonation == Impersonation::repair || options.consent == Consent::asked;
  if (!allowed || options.skip.contains(Step::repair_impersonation)) {
    refuse("3.2 replaces that token, and goes beyond the documentation",
           "run again with --repair-impersonation and without --skip 3.2, or on a terminal without "
           "--yes. With --skip redeploy-agents only the record is repaired");
  }
}

std::string no_report(const Observation& observation) {
  if (observation.registration.keeps_out()) {
    return "an agent reports when it starts, and would not connect again with its registration "
           "token";
  }
  if (is_ranchers_own(observation)) {
    return fmt::format("no agent reports a token of {}, an account of Rancher's own",
                       account_text(observation));
  }
  const auto agents = agents_version(observation);
  const auto kubernetes = parse_version(observation.downstream.kubernetes_version);
  if (agents && *agents < Version{2, 5, 8} && kubernetes && *kubernetes >= Version{1, 21, 0}) {
    return "agents before 2.5.8 report a token that expires, on Kubernetes 1.21 and later";
  }
  const auto ca = observation.comparison().ca;
  return why_not_reported(
      observation.local.cluster, observation.local.rancher,
      ca == Comparison::Part::same ? Reported::token_alone : Reported::token_and_ca);
}

std::string differing(const Comparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.token != Comparison::Part::same) parts.emplace_back("token");
  if (comparison.ca != Comparison::Part::same) parts.emplace_back("CA");
  return enumerated(parts);
}

std::string stored_text(const Observation& seen) {
  const auto comparison = seen.comparison();
  return comparison.equal() ? "Rancher has stored the live token and CA" : text_of(comparison);
}

std::vector<ObjectName> names_of(const std::vector<Pod>& pods) {
  std::vector<ObjectName> names;
  for (const auto& pod : pods) names.push_back(pod.name);
  return names;
}

}  // namespace retrust
