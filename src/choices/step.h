#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace retrust {

/// The sections of the runbook that this program performs.
enum class Step {
  backup_container,
  backup_etcd,
  backup_rancher,
  delete_token,
  make_token,
  recreate_agents,
  redeploy_agents,
  get_token,
  get_ca,
  check_cluster,
  update_cluster,
  restart_rancher,
  repair_impersonation,
};

/// Static description of a step.
struct StepInfo {
  enum class Effect {
    reads,
    saves,    ///< something that is not there yet, beside the clusters
    changes,  ///< a cluster
  };
  Step step;
  std::string_view section;  ///< of the runbook, e.g. "2.1"
  std::string_view name;     ///< e.g. "delete-token"
  std::string_view title;    ///< for people
  Effect effect;
  enum class Shown {
    always,
    when_it_comes,  ///< a plan leaves the step out unless it is to be performed
  };
  Shown shown = Shown::always;
  /// What the step is about. Runs of several clusters share what is about Rancher.
  enum class About { cluster, rancher };
  About about = About::cluster;
};

/// All steps in the order of the runbook.
const std::vector<StepInfo>& all_steps();
const StepInfo& info_of(Step step);

/// The step of that section ("2.3") or name ("get-token"); `2.1` is delete-token, `2.5` is
/// check-cluster.
std::optional<Step> find_step(std::string_view text);

/// Steps to perform: the needed ones, or every one (`--all`).
enum class Extent { needed, every };
/// Which pods 2.2 recreates: the pods that run as the agents' service account, or all
/// (`--all-pods`).
enum class PodChoice { agents, every };

/// Whether agents are recreated although new pods do not start (`--allow-agent-loss`).
enum class AgentLoss { refused, allowed };

/// Whether rejected tokens of Rancher's users are deleted (`--repair-impersonation`).
enum class Impersonation { leave, repair };

}  // namespace retrust
