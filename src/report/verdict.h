#pragma once

#include <string>

#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Way to undo a run: `retrust rollback`, or none.
enum class WayBack { none, rollback };

/// Final state of Rancher and the cluster, one sentence, which names a proof by use. Pure.
std::string verdict_of_run(const Observation& seen, Repaired repaired);

}  // namespace retrust
