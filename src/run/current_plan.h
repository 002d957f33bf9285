#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/advice.h"
#include "base/redactor.h"
#include "observe/observation.h"
#include "run/saved_plan.h"
#include "steps/plan.h"

namespace retrust {

/// The plan for what was observed, as `plan --out` saves it for one cluster. The commands do not
/// have the way to the clusters: kubeconfigs may lie elsewhere when the plan is performed. Holds
/// digests, never a token.
boost::json::object cluster_plan(const Observation& seen, const PlanOptions& options,
                                 const Redactor& redactor);

/// A difference between a saved plan and the present one.
struct PlanDifference {
  std::string what;   ///< "2.1 delete-token is not needed any more"
  std::string saved;  ///< in the saved plan
  std::string now;
};

/// The differences in what is changed, saved or observed. What only reads does not count. Pure.
std::vector<PlanDifference> differences(const ClusterPlan& saved, const ClusterPlan& now);

/// Throws Failure (refused) if there are any. For the message are `file`, the saved plan;
/// `unchanged`, that nothing was changed; and the advice, how to save another plan.
void check_same(const ClusterPlan& saved, const ClusterPlan& now, const std::string& file,
                const std::string& unchanged, Advice advice);

}  // namespace retrust
