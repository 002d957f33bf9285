#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "choices/step.h"
#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

enum class Need {
  needed,
  not_needed,
  depends,  ///< on what comes of the steps before
  skipped,  ///< by the operator
};

struct PlanOptions {
  NamespaceName name_space = "cattle-system";
  Extent extent = Extent::needed;
  PodChoice pods = PodChoice::agents;
  Impersonation impersonation = Impersonation::leave;
  std::set<Step> skip = {};
  BackupChoice backup = {};
  /// How commands are shown, e.g. {"kubectl", "--kubeconfig=x.yaml"}.
  KubectlLine downstream_kubectl = {};
  KubectlLine local_kubectl = {};
  KubectlAge local_age = KubectlAge::present;
  std::string docker = "docker";  ///< the operator's word for it
};

/// What this run has done so far.
struct Progress {
  std::set<Step> performed = {};
  /// When this run saw the stored credentials become the live ones.
  std::optional<std::chrono::sys_seconds> stored_changed = {};
};

struct PlannedStep {
  Step step;
  Need need;
  std::string reason;
  /// As they would be typed, placeholders where a name is not known yet.
  std::vector<std::string> commands = {};
  /// What else is to be known beforehand: sizes, what cannot be taken back.
  std::vector<std::string> notes = {};
  /// What people notice of a step that comes, one sentence; empty where nobody notices anything.
  std::string effect = {};
};

struct Plan {
  std::vector<PlannedStep> steps;

  const PlannedStep& operator[](Step step) const;
  /// The first step that changes something and is needed, if any.
  const PlannedStep* next_change() const;
};

/// The steps that are needed, and why. Pure, and made again after each step.
Plan make_plan(const Observation& observation, const PlanOptions& options,
               const Progress& progress = {});

/// Names of the secrets that 2.1 deletes: the secrets that hold no token, or one that is rejected.
std::vector<ObjectName> secrets_to_delete(const Observation& observation,
                                          const PlanOptions& options);
/// The pods that 2.2 deletes.
std::vector<Pod> pods_to_recreate(const Observation& observation, const PlanOptions& options);

/// Whether 3.1 can restart Rancher's server: it is a Deployment, or the container that was named.
bool restartable(const Observation& observation);

/// Why no report of the agents will make stored and live the same; empty where one is expected.
std::string no_report(const Observation& observation);

/// The steps that save or change something, in one line: "2.1 delete-token, if needed 2.5
/// update-cluster".
std::string steps_text(const Plan& plan);

/// What people notice of a step, one sentence; empty where nobody notices anything. Pure.
std::string effect_of(Step step, const PlanOptions& options);

/// What people notice of the steps that come, one after the other. Pure.
std::string effects_text(const Plan& plan);

/// Steps that change something and are needed now, and of which the first plan did not speak.
std::vector<std::string> added_changes(const Plan& first, const Plan& now);

/// The plan as text for people, one step after another.
std::string plan_text(const Plan& plan);

}  // namespace retrust
