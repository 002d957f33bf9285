#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"
#include "steps/step.h"

namespace retrust {

/// Forecasts for token secret and agents, shared by the plans of several steps. All pure.

/// Names of the secrets that 2.1 deletes: the incomplete and the rejected ones, or all of them with
/// `--all`. Only the rejected ones if the record comes first: nobody makes another then.
std::vector<ObjectName> secrets_to_delete(const Situation& situation);

/// Reason why the agents' pods, and the secrets that they mount, have to stay. Empty if they need
/// not.
std::string why_agents_stay(const Observation& seen);

/// Throws Failure if agents that restart could not connect again: refused before a change, failed
/// after one. Pure.
void check_agents_connect(const Situation& situation);

/// Why agents that are deleted now may not come back. Empty if nothing speaks against it. Pure.
std::string why_agents_may_be_lost(const Observation& seen);

/// Restarts the network plugin. Lists the DaemonSets, of which it is one, if it is not known to be
/// older than the renewal. Pure.
Arguments network_plugin_command(const Observation& seen);

/// Throws Failure if new pods of the agents would not start, unless the operator allows that:
/// refused before a change, failed after one. Pure.
void check_new_agents_start(const Situation& situation);

/// Throws Failure unless the agents' pods, and the secrets that they mount, may go: refused before
/// a change, failed after one. Pure.
void check_agents_may_go(const Situation& situation);

/// True if Rancher is to deploy its agents again in this run, so that they can register. Pure.
bool is_redeployed(const Situation& situation);

/// True if Rancher's own user for the cluster needs another token before Rancher can deploy its
/// agents: its present one is rejected. Pure.
bool needs_system_token(const Situation& situation);

/// Throws Failure (refused before a change, else failed) if Rancher cannot deploy its agents again,
/// because its own user needs another token and 3.2 is not allowed, or would bring none. Pure.
void check_redeployment(const Situation& situation);

/// True if a new token secret is still to come, from 2.1 or from the agents: nothing live is final
/// yet.
bool token_is_to_come(const Situation& situation);

/// The pods that 2.2 deletes.
std::vector<Pod> pods_to_recreate(const Situation& situation);

/// Reason why the agents' reports cannot repair Rancher's stored credentials. Empty if a report is
/// expected.
std::string no_report(const Observation& observation);

/// Names of the parts that differ: "token and CA", "token" or "CA".
std::string differing(const Comparison& comparison);

/// One sentence that compares Rancher's stored credentials with the live ones.
std::string stored_text(const Observation& seen);

std::vector<ObjectName> names_of(const std::vector<Pod>& pods);

}  // namespace retrust
