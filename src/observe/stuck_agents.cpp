#include "observe/stuck_agents.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {
namespace {

/// True if the agent was deployed for another CA of Rancher's own than the present one. It ends
/// with an error then (rancher/rancher v2.12.3, package/run.sh: CATTLE_CA_CHECKSUM).
bool expects_another_ca(const Pod& pod, const NewPods& known) {
  return !pod.ca_checksum.empty() && known.rancher_ca && pod.ca_checksum != *known.rancher_ca;
}

std::string why_stuck(const Pod& pod, const NewPods& known) {
  auto why = why_not_running(pod);
  const auto warning = known.warnings.find(pod.name);
  const auto warned = !pod.ready && warning != known.warnings.end();
  if (why.empty() && warned) return warning->second;
  if (why.empty()) return {};
  if (expects_another_ca(pod, known)) {
    why +=
        "; it was deployed for another CA of Rancher's own: its CATTLE_CA_CHECKSUM is not that "
        "of the setting cacerts";
  } else if (warned && pod.restarts == 0) {
    why += fmt::format("; {}", warning->second);
  }
  return why;
}

}  // namespace

std::vector<StuckAgent> stuck_agents(const Observation& seen) {
  std::vector<StuckAgent> stuck;
  for (auto& pod : agent_pods(seen.downstream.pods)) {
    if (pod.terminating) continue;
    auto why = why_stuck(pod, seen.new_pods);
    if (!why.empty()) stuck.push_back({std::move(pod), std::move(why)});
  }
  return stuck;
}

std::string stuck_text(const std::vector<StuckAgent>& stuck) {
  if (stuck.empty()) return {};
  auto text =
      fmt::format("the agent {} does not run: {}", stuck.front().pod.name, stuck.front().why);
  if (stuck.size() > 1) {
    text += fmt::format(" (and {} more)", counted(stuck.size() - 1, "pod"));
  }
  return text;
}

bool lacks_image(const Pod& pod) {
  return !pod.ready && (pod.waiting == "ImagePullBackOff" || pod.waiting == "ErrImagePull");
}

std::string why_others_wait(const Observation& seen) {
  std::set<DisplayText> running;
  std::vector<Pod> waiting;
  for (auto& pod : agent_pods(seen.downstream.pods)) {
    if (pod.terminating || pod.owner_kind != "ReplicaSet") continue;
    if (pod.ready) {
      running.insert(pod.owner);
    } else {
      waiting.push_back(std::move(pod));
    }
  }
  if (running.empty()) return {};
  for (const auto& pod : waiting) {
    // A container that ended may run with new credentials.
    const auto starts_never = pod.restarts == 0 && (pod.unschedulable || lacks_image(pod) ||
                                                    !why_never_running(pod).empty());
    if (starts_never) {
      return fmt::format("the agent {} does not start: {}", pod.name, why_not_running(pod));
    }
    if (!running.contains(pod.owner)) {
      return fmt::format("a rollout of the agents is not finished: {} is not ready", pod.name);
    }
  }
  return {};
}

std::string why_never_running(const Pod& pod) {
  // kubernetes/kubernetes v1.35.0, pkg/kubelet/images/types.go,
  // pkg/kubelet/container/sync_result.go, pkg/kubelet/kuberuntime/kuberuntime_container.go. A
  // container that ends is started again: its cause may pass, so three times count.
  constexpr std::array lasting{"InvalidImageName", "ErrImageNeverPull",
                               "CreateContainerConfigError"};
  constexpr std::int64_t several_restarts = 3;
  const auto lasts = std::any_of(lasting.begin(), lasting.end(),
                                 [&](std::string_view reason) { return pod.waiting == reason; }) ||
                     (pod.waiting == "CrashLoopBackOff" && pod.restarts >= several_restarts);
  return lasts && !pod.ready ? why_not_running(pod) : std::string();
}

}  // namespace retrust
