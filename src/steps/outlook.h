#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"
#include "steps/step.h"

namespace retrust {

/// What is still to come of token secret and agents, which several steps' plans ask. All pure.

/// Names of the secrets that 2.1 deletes: the secrets that hold no token, or one that is rejected.
std::vector<ObjectName> secrets_to_delete(const Observation& observation,
                                          const PlanOptions& options);

/// Whether 2.1 is needed, unless it is skipped, or the agents make a token secret: nothing live is
/// final yet.
bool token_is_to_come(const Situation& situation);

/// The pods that 2.2 deletes.
std::vector<Pod> pods_to_recreate(const Observation& observation, const PlanOptions& options);

/// Why no report of the agents will make stored and live the same; empty where one is expected.
std::string no_report(const Observation& observation);

/// "token and CA", or what of them differs.
std::string differing(const Comparison& comparison);

/// What Rancher has stored, compared with what is live, one sentence.
std::string stored_text(const Observation& seen);

std::vector<ObjectName> names_of(const std::vector<Pod>& pods);

}  // namespace retrust
