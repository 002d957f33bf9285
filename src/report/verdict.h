#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Way to undo a run: `retrust rollback`, or none.
enum class WayBack { none, rollback };

/// What is wrong although Rancher's record needs no repair, each in a clause, in the order of the
/// next actions. Pure.
std::vector<std::string> still_wrong(const Observation& seen);

/// Final state of Rancher and the cluster, one sentence, which names a proof by use. Pure.
std::string verdict_of_run(const Observation& seen, Repaired repaired);

}  // namespace retrust
