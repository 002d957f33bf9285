#include "choices/step.h"

#include <algorithm>

namespace retrust {

const std::vector<StepInfo>& all_steps() {
  using enum StepInfo::Effect;
  using enum StepInfo::Shown;
  using enum StepInfo::About;
  static const std::vector<StepInfo> steps{
      {Step::backup_container, "1.1", "backup-container", "save the data of Rancher's container",
       saves, always, rancher},
      {Step::backup_etcd, "1.2", "backup-etcd", "snapshot the etcd of Rancher's own cluster", saves,
       always, rancher},
      {Step::backup_rancher, "1.3", "backup-rancher",
       "let the Rancher backup operator save Rancher", saves, when_it_comes, rancher},
      {Step::delete_token, "2.1", "delete-token", "delete the agents' token secret", changes},
      {Step::make_token, "2.1", "make-token", "make the next token secret before the old one goes",
       changes, when_it_comes},
      {Step::recreate_agents, "2.2", "recreate-agents", "recreate the agents' pods", changes},
      {Step::redeploy_agents, "2.2", "redeploy-agents", "let Rancher deploy its agents again",
       changes, when_it_comes},
      {Step::get_token, "2.3", "get-token", "read the live token", reads},
      {Step::get_ca, "2.4", "get-ca", "read the live CA certificate", reads},
      {Step::check_cluster, "2.5", "check-cluster", "compare with what Rancher has stored", reads},
      {Step::update_cluster, "2.5", "update-cluster", "repair what Rancher has stored", changes},
      {Step::restart_rancher, "3.1", "restart-rancher", "restart Rancher's server", changes, always,
       rancher},
      {Step::repair_impersonation, "3.2", "repair-impersonation",
       "delete rejected tokens of Rancher's users (beyond the documentation)", changes},
  };
  return steps;
}

const StepInfo& info_of(Step step) {
  const auto& steps = all_steps();
  return *std::find_if(steps.begin(), steps.end(),
                       [&](const StepInfo& info) { return info.step == step; });
}

std::optional<Step> find_step(std::string_view text) {
  for (const auto& info : all_steps()) {
    if (text == info.name || text == info.section) return info.step;
  }
  return std::nullopt;
}

}  // namespace retrust
