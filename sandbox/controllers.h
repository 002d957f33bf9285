#pragma once

#include <map>
#include <set>
#include <string>

#include "cluster.h"
#include "log.h"
#include "objects.h"
#include "scheduler.h"
#include "settings.h"
#include "token_controller.h"

namespace retrust::sandbox {

/// What every cluster's controller manager does: tokens for service accounts, pods for workloads,
/// rollouts.
class Controllers {
 public:
  Controllers(Cluster& cluster, Scheduler& scheduler, Settings& settings, Log& log);

  /// A pod that a workload makes; `spec` is kept for the pods that replace it.
  void start_pod(const PodSpec& spec, PodState state);
  /// The agents' workloads mount that secret from now on, instead of the one before.
  void deploy_with(const std::string& credentials);
  TokenController& tokens() { return tokens_; }
  /// Somebody read deployments: what `rollout-awaits-reader` waits for.
  void deployments_read();

 private:
  void look(const Change& change);
  void start_new_pod(const PodSpec& spec);
  void roll_out(const ObjectKey& deployment);
  void end_roll_out(const ObjectKey& deployment);
  int ready_pods(const std::string& owner) const;

  Cluster& cluster_;
  Scheduler& scheduler_;
  Settings& settings_;
  Log& log_;
  std::map<std::string, PodSpec> pods_;  // by pod name
  std::map<std::string, std::int64_t> generations_;
  std::set<ObjectKey> held_rollouts_;  // by `rollout-awaits-reader`
  TokenController tokens_;
};

}  // namespace retrust::sandbox
