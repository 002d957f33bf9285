#include <array>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "steps/step.h"

namespace retrust {

// The file of a step's name defines the step.
extern const StepWork backup_container;
extern const StepWork backup_etcd;
extern const StepWork delete_token;
extern const StepWork make_token;
extern const StepWork recreate_agents;
extern const StepWork get_token;
extern const StepWork get_ca;
extern const StepWork check_cluster;
extern const StepWork update_cluster;
extern const StepWork restart_rancher;
extern const StepWork repair_impersonation;

const StepWork& work_of(Step step) {
  // The order is that of Step.
  static const std::array table{&backup_container, &backup_etcd,         &delete_token,
                                &make_token,       &recreate_agents,     &get_token,
                                &get_ca,           &check_cluster,       &update_cluster,
                                &restart_rancher,  &repair_impersonation};
  return *table.at(static_cast<std::size_t>(step));
}

std::vector<Permission> permissions_of_steps(const Observation& seen, const PlanOptions& options) {
  std::vector<Permission> all;
  for (const auto& info : all_steps()) {
    const auto permissions = work_of(info.step).permissions;
    if (permissions == nullptr) continue;
    for (auto& permission : permissions(seen, options)) all.push_back(std::move(permission));
  }
  return all;
}

void check_may_change(const Observation& seen, const Plan& plan) {
  if (!seen.missing_permissions.empty()) {
    throw Failure(ExitStatus::refused,
                  fmt::format("a permission is missing: {}", enumerated(seen.missing_permissions)),
                  "use administrators' kubeconfigs");
  }
  for (const auto& planned : plan.steps) {
    const auto check = work_of(planned.step).check;
    if (planned.need == Need::needed && check != nullptr) check(seen);
  }
}

}  // namespace retrust
