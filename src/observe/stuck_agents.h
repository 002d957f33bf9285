#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"

namespace retrust {

/// An agent's pod that does not run, and why.
struct StuckAgent {
  Pod pod;
  std::string why;  ///< e.g. "CrashLoopBackOff, 44 restarts, last exit status 1"
};

/// The agents' pods that do not run, without the ones that are only starting or going. Pure.
std::vector<StuckAgent> stuck_agents(const Observation& seen);

/// The text about them: "the agent NAME does not run: WHY", and how many others. Empty if there is
/// none. Pure.
std::string stuck_text(const std::vector<StuckAgent>& stuck);

/// Why a new agent's pod will not run however long one waits; empty if it may. Pure.
std::string why_never_running(const Pod& pod);

}  // namespace retrust
