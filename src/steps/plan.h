#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "choices/step.h"
#include "observe/observation.h"
#include "observe/stored_digest.h"
#include "tools/kubectl.h"
#include "transcript/event.h"

namespace retrust {

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

/// Who wrote what Rancher has stored now.
enum class Repaired {
  by_agents,
  by_retrust,
  after_silence,  ///< by retrust, when the agents had been waited for in vain
};

/// What a run has done so far, and found out beside what it observed.
struct RunState {
  std::set<Step> performed = {};
  bool changed = false;  ///< anything in a cluster: a refusal after that is a failure
  /// When the stored credentials were seen to become the live ones.
  std::optional<std::chrono::sys_seconds> stored_changed = {};
  /// A pod that mounts one of these never starts.
  std::set<ObjectName> deleted_secrets = {};
  /// The agents were waited for in vain.
  bool report_missing = false;
  Repaired repaired = Repaired::by_agents;
  /// With these the downstream cluster was reached.
  std::optional<Credentials> proven = {};
  /// What Rancher had stored before the first change.
  std::optional<StoredDigest> saved = {};
  /// What is written into Rancher's record, until what is there has been read.
  std::optional<StoredDigest> written = {};
  /// The Secret of the clusters resource is to be read again: the watch shows its name alone.
  bool stored_token_due = false;
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
  /// Not needed as far as is known: it is done where it is asked for by itself.
  bool doubtful = false;
};

struct Plan {
  std::vector<PlannedStep> steps;

  const PlannedStep& operator[](Step step) const;
  /// The first step that changes something and is needed, if any.
  const PlannedStep* next_change() const;
};

/// The steps that are needed, and why. Pure, and made again after each step.
Plan make_plan(const Observation& observation, const PlanOptions& options,
               const RunState& state = {});

/// The steps that save or change something, in one line: "2.1 delete-token, if needed 2.5
/// update-cluster".
std::string steps_text(const Plan& plan);

/// What people notice of the steps that come, one after the other. Pure.
std::string effects_text(const Plan& plan);

/// Steps that change something and are needed now, and of which the first plan did not speak.
std::vector<std::string> added_changes(const Plan& first, const Plan& now);

/// The plan as it is shown and recorded.
std::vector<ShownStep> shown(const Plan& plan);

}  // namespace retrust
