#include <array>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/redeployment.h"
#include "observe/right_clusters.h"
#include "steps/step.h"

namespace retrust {

// The file of a step's name defines the step.
extern const StepWork backup_container;
extern const StepWork backup_etcd;
extern const StepWork backup_rancher;
extern const StepWork delete_token;
extern const StepWork make_token;
extern const StepWork recreate_agents;
extern const StepWork redeploy_agents;
extern const StepWork get_token;
extern const StepWork get_ca;
extern const StepWork check_cluster;
extern const StepWork update_cluster;
extern const StepWork restart_rancher;
extern const StepWork repair_impersonation;

const StepWork& work_of(Step step) {
  // The order is that of Step.
  // clang-format off
  static const std::array table{
      &backup_container,
      &backup_etcd,
      &backup_rancher,
      &delete_token,
      &make_token,
      &recreate_agents,
      &redeploy_agents,
      &get_token,
      &get_ca,
      &check_cluster,
      &update_cluster,
      &restart_rancher,
      &repair_impersonation,
  };
  // clang-format on
  return *table.at(static_cast<std::size_t>(step));
}

std::vector<Permission> permissions_of_steps(const Observation& seen, const PlanOptions& options) {
  std::vector<Permission> all;
  for (const auto& info : all_steps()) {
    const auto permissions = work_of(info.step).permissions;
    if (permissions == nullptr) continue;
    for (auto& permission : permissions(seen, options)) all.push_back(std::move(permission));
  }
  // Before a change after a wait: see check_same_cluster().
  Permission uid{Side::downstream, "get", "", "namespaces", ""};
  uid.name = "kube-system";
  all.push_back(std::move(uid));
  // For the Lease of run/hold.h: a lock file stands in for it.
  for (const auto* verb : {"create", "update"}) {
    all.push_back({Side::local, verb, "coordination.k8s.io", "leases", seen.local.cluster.id.text(),
                   Permission::Lack::is_told});
  }
  return all;
}

namespace {

/// Refuses where --yes would be the only word for a cluster that proves nothing.
void check_consent(const Observation& seen, const PlanOptions& options) {
  if (seen.identity != Identity::claimed || options.consent == Consent::asked) return;
  const auto& cluster = seen.local.cluster;
  throw Failure(
      FailureCode::wrong_cluster,
      fmt::format("--kubeconfig is not proven to be of the cluster {} ({}): only its agents claim "
                  "it, which any cluster can, so --yes is not enough",
                  cluster.display_name, cluster.id),
      "if you are certain, run it on a terminal without --yes, and answer the question");
}

}  // namespace

void check_tunnel(const Observation& seen, const PlanOptions& options) {
  const auto& cluster = seen.local.cluster;
  if (!is_cut_off(seen)) return;
  throw Failure(
      ExitStatus::refused,
      fmt::format("Rancher does not know the registration token of the agents of {} ({}), and none "
                  "is connected: no repair of the record brings them back",
                  cluster.display_name, cluster.id),
      {"register the cluster again with the command that Rancher's web pages show for it, then run "
       "again; see that command, perhaps with {token} in place of the token",
       shell_line(options.local_kubectl, commands::registration_command(cluster.id))});
}

void check_may_change(const Observation& seen, const Plan& plan, const PlanOptions& options) {
  if (!seen.missing_permissions.empty()) {
    throw Failure(FailureCode::missing_permission,
                  fmt::format("a permission is missing: {}", enumerated(seen.missing_permissions)),
                  "use administrators' kubeconfigs");
  }
  check_consent(seen, options);
  check_stays(seen);
  check_registration(seen);
  check_tunnel(seen, options);
  for (const auto& planned : plan.steps) {
    const auto check = work_of(planned.step).check;
    if (planned.need == Need::needed && check != nullptr) check({seen, options, {}});
  }
}

}  // namespace retrust
