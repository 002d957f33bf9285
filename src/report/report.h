#pragma once

#include <boost/json/object.hpp>

#include "cli/options.h"
#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Output of `status` and `plan` with -o json, version 1. Holds fingerprints, never a token.
boost::json::object report(const Observation& observation, const Plan& plan,
                           const Options& options);

}  // namespace retrust
