#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "choices/step.h"
#include "observe/observation.h"
#include "observe/stored_digest.h"
#include "tools/kubectl.h"
#include "transcript/event.h"

namespace retrust {

/// How the operator agrees to the changes.
enum class Consent {
  asked,        ///< by an answer to a question that names the cluster
  given_ahead,  ///< by --yes
};

struct PlanOptions {
  NamespaceName name_space = "cattle-system";
  Extent extent = Extent::needed;
  PodChoice pods = PodChoice::agents;
  AgentLoss agent_loss = AgentLoss::refused;
  Impersonation impersonation = Impersonation::leave;
  std::set<Step> skip = {};
  BackupChoice backup = {};
  /// Beginning of a command as the plan shows it, e.g. {"kubectl", "--kubeconfig=x.yaml"}.
  KubectlLine downstream_kubectl = {};
  KubectlLine local_kubectl = {};
  KubectlAge local_age = KubectlAge::present;
  /// Whether a session reads the cluster: a watch is no command of kubectl then.
  bool downstream_session = false;
  bool local_session = false;
  Consent consent = Consent::asked;
  std::string docker = "docker";  ///< program as the operator named it
};

/// Order of the steps.
enum class Order {
  usual,         ///< as in the runbook
  record_first,  ///< Rancher's record is repaired before the old token and the agents go
};

/// Writer of the credentials that Rancher has stored now.
enum class Repaired {
  by_agents,
  by_retrust,
  after_silence,  ///< by retrust, because the agents did not report in time
};

/// Progress of a run, and its findings beside the observation.
struct RunState {
  /// The order of the first plan, which the run keeps.
  std::optional<Order> order = {};
  std::set<Step> performed = {};
  /// Steps that delete, and whether somebody else had deleted all that they were to delete.
  std::map<Step, bool> others_deleted = {};
  /// Backups that this run made, e.g. "the Backup retrust-c-x7k2p-… in the local cluster". They
  /// stay after a refusal.
  std::vector<std::string> backups = {};
  bool changed = false;  ///< true after a change in a cluster: a later refusal is a failure
  /// Time at which the stored credentials were seen to become the live ones.
  std::optional<std::chrono::sys_seconds> stored_changed = {};
  /// Secrets that this run deleted. A pod that mounts one of them never starts.
  std::set<ObjectName> deleted_secrets = {};
  /// True if the agents did not report in time.
  bool report_missing = false;
  Repaired repaired = Repaired::by_agents;
  /// Credentials that reached the downstream cluster.
  std::optional<Credentials> proven = {};
  /// Digest of Rancher's stored credentials before the first change.
  std::optional<StoredDigest> saved = {};
  /// Digest of the credentials that retrust writes, until retrust has read the result.
  std::optional<StoredDigest> written = {};
  /// True if the Secret of the clusters resource has to be read again: the watch shows only its
  /// name.
  bool stored_token_due = false;
};

struct PlannedStep {
  Step step;
  Need need;
  std::string reason;
  /// Commands as the operator would type them, with placeholders for unknown names.
  std::vector<std::string> commands = {};
  /// Notes for the operator before the step: sizes, and effects that cannot be taken back.
  std::vector<std::string> notes = {};
  /// One sentence about the effect that people notice if the step comes. Empty if there is no such
  /// effect.
  std::string effect = {};
  /// True if the need is uncertain: `retrust step` then performs the step although the plan does
  /// not need it.
  bool doubtful = false;
};

struct Plan {
  std::vector<PlannedStep> steps;

  const PlannedStep& operator[](Step step) const;
  /// The first step that changes something and is needed, if any.
  const PlannedStep* next_change() const;
};

/// The order that the situation needs. Pure.
Order order_of(const Observation& observation);

/// Makes the plan: the need of each step, and its reason, in the order of the steps. Made again
/// after each step. Pure.
Plan make_plan(const Observation& observation, const PlanOptions& options,
               const RunState& state = {});

/// One line with the steps that save or change something: "2.1 delete-token, if needed 2.5
/// update-cluster".
std::string steps_text(const Plan& plan);

/// The effects of all steps that come, one sentence each. Pure.
std::string effects_text(const Plan& plan);

/// The difference between two plans of a step: "is not needed any more". Empty if its need and its
/// objects are the same, or if an announced step may come no more. Pure.
std::string_view what_changed(const PlannedStep& before, const PlannedStep& now);

/// The differences between two plans in the steps that change something: "2.1 delete-token is not
/// needed any more". Empty if there are none. Pure.
std::string changes_text(const Plan& before, const Plan& now);

/// The plan in the form for terminal and transcript.
std::vector<ShownStep> shown(const Plan& plan);

}  // namespace retrust
