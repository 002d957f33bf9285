#include "steps/pod_wait.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.h"

namespace retrust {

namespace {

/// Approximate bytes of an entry of a set or a map, beside the text.
constexpr std::size_t entry_size = 96;

std::size_t size_of(const Uid& uid) {
  return entry_size + uid.text().size();
}

std::size_t size_of(const Pod& pod) {
  auto size = size_of(pod.uid) + sizeof(Pod) + pod.name.text().size() + pod.uid.text().size() +
              pod.service_account.text().size() + pod.phase.str().size() +
              pod.owner_kind.str().size() + pod.owner.str().size() + pod.waiting.str().size() +
              pod.detail.str().size() + pod.last_end.str().size() + pod.ca_checksum.str().size();
  for (const auto& secret : pod.mounted_secrets) size += sizeof(secret) + secret.text().size();
  return size;
}

/// The Deployment of a pod of a ReplicaSet, whose name is the Deployment's with a hash. A rollout
/// changes the ReplicaSet, not the Deployment.
std::string deployment_of(const Pod& pod) {
  return pod.owner.str().substr(0, pod.owner.str().rfind('-'));
}

bool is_agent(const Pod& pod) {
  return pod.service_account == agent_account && pod.owner_kind == "ReplicaSet";
}

}  // namespace

PodWait::PodWait(const std::vector<Pod>& old) {
  for (const auto& pod : old) expect(pod);
}

void PodWait::restart() {
  present_.clear();
  counts_ = {};
  for (const auto& uid : gone_) counts_.bytes += size_of(uid);
  listed_ = false;
}

void PodWait::count(const Pod& pod, Count how) {
  const auto change = [how](std::size_t& number, std::size_t by) {
    number = how == Count::add ? number + by : number - by;
  };
  const auto old = old_.contains(pod.uid);
  change(counts_.bytes, size_of(pod));
  if (required_.contains(pod.uid)) change(counts_.required, 1);
  if (old && !gone_.contains(pod.uid)) change(counts_.old_left, 1);
  const auto serves = pod.service_account == agent_account && pod.ready && !pod.terminating && !old;
  if (serves) change(counts_.new_ready, 1);
  if (!serves || !is_agent(pod)) return;
  const auto deployment = deployment_of(pod);
  auto& ready = counts_.agents[deployment];
  const auto before = ready;
  change(ready, 1);
  const auto first_or_last = before == 0 || ready == 0;
  if (first_or_last && owners_.contains(deployment)) change(counts_.owners_served, 1);
  if (ready == 0) counts_.agents.erase(deployment);
}

void PodWait::forget(const Uid& uid) {
  const auto known = present_.find(uid);
  if (known == present_.end()) return;
  count(known->second, Count::remove);
  present_.erase(known);
}

void PodWait::expect(const Pod& pod) {
  const auto known = present_.find(pod.uid);
  if (known != present_.end()) count(known->second, Count::remove);
  if (old_.insert(pod.uid).second && gone_.contains(pod.uid)) ++old_gone_;
  if (is_agent(pod)) {
    required_.insert(pod.uid);
    const auto deployment = deployment_of(pod);
    if (owners_.insert(deployment).second && counts_.agents.contains(deployment)) {
      ++counts_.owners_served;
    }
  }
  if (known != present_.end()) count(known->second, Count::add);
}

void PodWait::see(WatchEvent::Type type, Pod pod) {
  if (type != WatchEvent::Type::added) listed_ = true;
  forget(pod.uid);
  if (type == WatchEvent::Type::deleted) {
    if (gone_.insert(pod.uid).second) {
      counts_.bytes += size_of(pod.uid);
      if (old_.contains(pod.uid)) ++old_gone_;
    }
  } else {
    count(pod, Count::add);
    auto uid = pod.uid;
    present_.emplace(std::move(uid), std::move(pod));
  }
  if (counts_.bytes > memory_limit) {
    throw Failure(ExitStatus::refused,
                  fmt::format("the watch of the agents' namespace shows more pods than any cluster "
                              "has: {} and more",
                              present_.size() + gone_.size()),
                  "no agents are so many. Find out what answers at the cluster's address");
  }
}

bool PodWait::done() const {
  return counts_.required == 0 && !counts_.agents.empty() &&
         counts_.owners_served == owners_.size();
}

bool PodWait::certain() const {
  return listed_ || std::includes(gone_.begin(), gone_.end(), required_.begin(), required_.end());
}

std::string PodWait::summary() const {
  // A pod further down in a list that is being read has not gone.
  const auto gone = listed_ ? old_.size() - counts_.old_left : old_gone_;
  return fmt::format("{} of {} old pods gone, {} new ready", gone, old_.size(), counts_.new_ready);
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
