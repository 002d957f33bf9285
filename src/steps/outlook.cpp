#include "steps/outlook.h"

#include <algorithm>

#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/stored_token.h"

namespace retrust {
namespace {

/// Longest time between the start of an agent's pod and its new token secret. The agent waits for
/// Rancher first.
constexpr std::chrono::minutes agents_head_start{10};

}  // namespace

std::vector<ObjectName> secrets_to_delete(const Observation& observation,
                                          const PlanOptions& options) {
  std::vector<ObjectName> names;
  for (const auto& secret : observation.downstream.tokens) {
    if (options.extent == Extent::every || !secret.complete() ||
        secret.verdict == Verdict::rejected) {
      names.push_back(secret.name);
    }
  }
  return names;
}

std::vector<Pod> pods_to_recreate(const Observation& observation, const PlanOptions& options) {
  const auto& downstream = observation.downstream;
  if (options.pods == PodChoice::every) return downstream.pods;
  const auto* live = observation.live();
  const auto everyone = options.extent == Extent::every ||
                        (!observation.comparison().equal() && no_report(observation).empty()) ||
                        !secrets_to_delete(observation, options).empty() || live == nullptr;
  // A secret that the agents made is a little younger than their pods.
  const auto head_start =
      agents_make_tokens(observation) ? agents_head_start : std::chrono::seconds{0};
  std::vector<Pod> pods;
  for (const auto& pod : agent_pods(downstream.pods)) {
    const auto gone = std::any_of(
        pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
        [&](const ObjectName& name) { return !downstream.secret_names.contains(name); });
    if (everyone || gone || pod.started + head_start < live->created) pods.push_back(pod);
  }
  return pods;
}

bool token_is_to_come(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto deletion = !situation.performed(Step::delete_token) &&
                        work_of(Step::delete_token).plan(situation).need == Need::needed &&
                        !situation.options.skip.contains(Step::delete_token);
  return deletion || (seen.live() == nullptr && token_maker(seen) == TokenMaker::agents);
}

std::string no_report(const Observation& observation) {
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
