#pragma once

#include <string>

#include <boost/json/array.hpp>

#include "app/invocation.h"
#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// The file of `plan --out` and `run --plan`: see run/saved_plan.h.

/// Saves the plans of clusters, see cluster_plan(), where --out says. Returns a sentence that tells
/// where. Throws Failure (refused).
std::string save_plan(const Invocation& app, boost::json::array clusters);

/// Throws Failure (refused) unless the saved plan holds for what was observed, and has the cluster.
/// `unchanged` says that nothing was changed.
void check_saved_plan(const Invocation& app, const Observation& seen, const PlanOptions& options,
                      const std::string& unchanged);
/// Tells that it holds.
void tell_saved_plan(Invocation& app);

}  // namespace retrust
