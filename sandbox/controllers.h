#pragma once

#include <map>
#include <set>
#include <string>

#include "cluster.h"
#include "log.h"
#include "objects.h"
#include "scheduler.h"
#include "settings.h"

namespace retrust::sandbox {

/// What every cluster's controller manager does: tokens for service accounts, pods for workloads,
/// rollouts.
class Controllers {
 public:
  Controllers(Cluster& cluster, Scheduler& scheduler, Settings& settings, Log& log);

  /// A pod that a workload makes; `spec` is kept for those that replace it.
  void start_pod(const PodSpec& spec, PodState state);
  /// A watch on secrets was opened: what `no-token=late` waits for.
  void secrets_watched();
  /// Somebody read deployments: what `rollout-awaits-reader` waits for.
  void deployments_read();

 private:
  void look(const Change& change);
  void ensure_token();
  void make_token();
  void fill_token(const ObjectKey& key);
  void replace_pod(const PodSpec& spec);
  void roll_out(const ObjectKey& deployment);
  void end_roll_out(const ObjectKey& deployment);
  std::string present_token_secret() const;

  Cluster& cluster_;
  Scheduler& scheduler_;
  Settings& settings_;
  Log& log_;
  std::map<std::string, PodSpec> pods_;  // by pod name
  std::map<std::string, std::int64_t> generations_;
  std::set<ObjectKey> held_rollouts_;  // by `rollout-awaits-reader`
  enum class TokenWork { none, under_way } token_work_ = TokenWork::none;
};

}  // namespace retrust::sandbox
