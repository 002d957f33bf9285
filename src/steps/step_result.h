#pragma once

#include <string>

#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// What came of a step.
struct StepResult {
  std::string text;       ///< one sentence
  std::string word = {};  ///< where it is not "done": in a word or two
};

/// Whether `retrust rollback` undoes anything of what was done.
enum class WayBack { none, rollback };

/// By what was observed while it was performed. Pure.
StepResult result_of(Step step, const Observation& seen);

/// Where Rancher and the cluster stand in the end, one sentence; what was proven by using it is
/// said so. Pure.
enum class Repaired {
  by_agents,
  by_retrust,
  after_silence,  ///< by retrust, when the agents had been waited for in vain
};
std::string verdict_of_run(const Observation& seen, Repaired repaired);

}  // namespace retrust
