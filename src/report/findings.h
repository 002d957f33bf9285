#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"
#include "steps/plan.h"
#include "transcript/event.h"

namespace retrust {

/// The sentences that say what was observed, for `status` and the head of a transcript.
std::vector<std::string> findings(const Observation& observation);

/// Absolute paths of the operator's programs.
struct Programs {
  std::string kubectl;
  std::string docker = {};
};

/// What the head of a transcript says.
Finding facts(const Observation& observation, const Programs& programs);

/// What Rancher has stored, for people.
std::vector<std::string> render_stored(const Observation& observation);

/// Unified diff of the rendered credentials, stored against live; empty where they are the same.
std::string credentials_diff(const Observation& observation);

/// Both in short, side by side.
std::vector<std::string> credentials_table(const Observation& observation);

/// Whether a step is needed, which `status` and `plan` answer with 3.
bool differs(const Observation& observation, const Plan& plan);

}  // namespace retrust
