#pragma once

#include <string>

#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Whether `retrust rollback` undoes anything of what was done.
enum class WayBack { none, rollback };

/// Where Rancher and the cluster stand in the end, one sentence; what was proven by using it is
/// said so. Pure.
std::string verdict_of_run(const Observation& seen, Repaired repaired);

}  // namespace retrust
