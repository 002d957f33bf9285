#pragma once

#include <functional>
#include <map>
#include <string>

#include "cluster.h"
#include "log.h"
#include "objects.h"
#include "scheduler.h"
#include "settings.h"

namespace retrust::sandbox {

/// What every cluster's control plane and kubelet do: tokens for service accounts, pods for
/// workloads, rollouts.
class Controllers {
 public:
  struct Hooks {
    /// A pod of a workload became ready.
    std::function<void(const ObjectKey&)> pod_ready;
    /// A pod was told to go.
    std::function<void(const ObjectKey&)> pod_terminating;
    std::function<void(const ObjectKey&)> pod_gone;
  };
  Controllers(Cluster& cluster, Scheduler& scheduler, Settings& settings, Log& log, Hooks hooks);

  /// A pod that a workload makes; `spec` is kept for those that replace it.
  void start_pod(const PodSpec& spec, PodState state);
  /// Ends a pod as a kubelet does: marked first, gone later.
  void terminate(const ObjectKey& key);
  /// A watch on secrets was opened: what `no-token=late` waits for.
  void secrets_watched();

 private:
  void look(const Change& change);
  void ensure_token();
  void make_token();
  void fill_token(const ObjectKey& key);
  void try_to_run(const ObjectKey& key, const PodSpec& spec);
  void roll_out(const ObjectKey& deployment);
  std::string present_token_secret() const;

  Cluster& cluster_;
  Scheduler& scheduler_;
  Settings& settings_;
  Log& log_;
  Hooks hooks_;
  std::map<std::string, PodSpec> pods_;  // by pod name
  std::map<std::string, std::int64_t> generations_;
  enum class TokenWork { none, under_way } token_work_ = TokenWork::none;
};

}  // namespace retrust::sandbox
