#include "runbook/pod_wait.h"

#include <algorithm>

#include <fmt/format.h>

#include "transcript/failure.h"

namespace retrust {

namespace {

/// Beyond any cluster: a node has 110 pods at most, by default.
constexpr std::size_t most_pods = 20'000;

/// The Deployment of a pod of a ReplicaSet, which is called after it with a hash: a rollout under
/// way changes the ReplicaSet, not the Deployment.
std::string deployment_of(const Pod& pod) {
  return pod.owner.str().substr(0, pod.owner.str().rfind('-'));
}

}  // namespace

PodWait::PodWait(const std::vector<Pod>& old) {
  for (const auto& pod : old) expect(pod);
}

void PodWait::expect(const Pod& pod) {
  old_.insert(pod.uid);
  if (pod.service_account == agent_account && pod.owner_kind == "ReplicaSet") {
    required_.insert(pod.uid);
    owners_.insert(deployment_of(pod));
  }
}

void PodWait::see(WatchEvent::Type type, const Pod& pod) {
  if (type != WatchEvent::Type::added) listing_ = Listing::over;
  if (present_.size() + gone_.size() > most_pods) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("the watch of the agents' namespace shows more than {} pods", most_pods),
        "no agents are so many. Find out what answers at the cluster's address");
  }
  if (type == WatchEvent::Type::deleted) {
    gone_.insert(pod.uid);
    present_.erase(pod.uid);
  } else {
    present_[pod.uid] = pod;
  }
}

bool PodWait::is_ready_agent(const Pod& pod) const {
  return pod.service_account == agent_account && pod.owner_kind == "ReplicaSet" && pod.ready &&
         !pod.terminating && !old_.contains(pod.uid);
}

bool PodWait::done() const {
  std::set<std::string> waiting = owners_;
  auto ready = false;
  for (const auto& [uid, pod] : present_) {
    if (required_.contains(uid)) return false;
    if (!is_ready_agent(pod)) continue;
    ready = true;
    waiting.erase(deployment_of(pod));
  }
  return ready && waiting.empty();
}

bool PodWait::certain() const {
  return listing_ == Listing::over ||
         std::includes(gone_.begin(), gone_.end(), required_.begin(), required_.end());
}

std::string PodWait::summary() const {
  std::size_t ready = 0;
  for (const auto& [uid, pod] : present_) {
    if (pod.service_account == agent_account && pod.ready && !pod.terminating &&
        !old_.contains(uid)) {
      ++ready;
    }
  }
  const auto gone =
      static_cast<std::size_t>(std::count_if(old_.begin(), old_.end(), [&](const std::string& uid) {
        // While a list is read what is further down in it has not gone.
        return gone_.contains(uid) || (listing_ == Listing::over && !present_.contains(uid));
      }));
  return fmt::format("{} of {} old pods gone, {} new ready", gone, old_.size(), ready);
}

std::vector<Pod> PodWait::present() const {
  std::vector<Pod> pods;
  for (const auto& [uid, pod] : present_) pods.push_back(pod);
  return pods;
}

std::vector<Pod> PodWait::late() const {
  std::vector<Pod> pods;
  for (const auto& [uid, pod] : present_) {
    if (old_.contains(uid)) pods.push_back(pod);
  }
  return pods;
}

}  // namespace retrust
