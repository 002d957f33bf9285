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

/// Why the ready agents have to stay: other pods of the agents' Deployment do not start, so new
/// ones would not either, or a rollout is not finished. Empty if nothing speaks against it. Pure.
std::string why_others_wait(const Observation& seen);

/// True if the pod's image could not be pulled. That may pass. Pure.
bool lacks_image(const Pod& pod);

/// Why a new agent's pod will not run however long one waits; empty if it may. Pure.
std::string why_never_running(const Pod& pod);

}  // namespace retrust
