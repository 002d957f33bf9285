#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "choices/step.h"
#include "observe/observation.h"
#include "observe/permissions.h"
#include "steps/plan.h"

namespace retrust {

class Context;

/// Input of a step's plan.
struct Situation {
  const Observation& seen;
  const PlanOptions& options;
  const RunState& state;

  Order order() const { return state.order.value_or(order_of(seen)); }
  bool performed(Step step) const { return state.performed.contains(step); }
  bool every() const { return options.extent == Extent::every; }
  /// True if Rancher has stored what this run wants there: a CA with which Rancher works, or the
  /// live one if every section was asked for.
  bool is_stored() const {
    const auto comparison = seen.comparison();
    return every() ? comparison.same() : comparison.equal();
  }
};

/// Result of a step.
struct StepResult {
  std::string text;       ///< one sentence
  std::string word = {};  ///< the result in a word or two, if it is not "done"
};

/// Functions of a step, defined in the step's own file. Its section, name and title are in
/// choices/step.h, which the command line sees.
struct StepWork {
  /// Plans the step: need, reason and commands. Called only for a step that has not been performed
  /// or that only reads. Pure.
  PlannedStep (*plan)(const Situation& situation);
  /// Performs the step. Throws Failure or Interrupted.
  boost::asio::awaitable<void> (*run)(Context context);
  /// Tells the result from the observation after the step. Pure.
  StepResult (*result)(const Observation& seen);
  /// One sentence about the effect that people notice; null if there is no such effect. Pure.
  std::string (*effect)(const PlanOptions& options) = nullptr;
  /// Permissions that the operator's users need for the step. Pure.
  std::vector<Permission> (*permissions)(const Observation& seen,
                                         const PlanOptions& options) = nullptr;
  /// Throws Failure (refused) if the step would do harm or cannot work. Pure.
  void (*check)(const Situation& situation) = nullptr;

  /// Differences if the step is performed alone, by `retrust step`.
  struct Alone {
    std::optional<Step> instead_of = {};  ///< step that counts as performed: it would only wait
    std::string_view reason = {};         ///< reason of the need, if another than in a run
    bool proves = false;                  ///< true if the proof of a run follows
  };
  Alone alone = {};
};

/// The functions of a step, from the step table.
const StepWork& work_of(Step step);

/// Permissions that the operator's users need for all steps. Pure.
std::vector<Permission> permissions_of_steps(const Observation& seen, const PlanOptions& options);

/// Throws Failure (refused) if no agent is connected, and none can connect again. Pure.
void check_tunnel(const Observation& seen, const PlanOptions& options);

/// Checks everything that matters only before a change. Throws Failure (refused) if a permission is
/// missing, or if a needed step would do harm or cannot work. Pure.
void check_may_change(const Observation& seen, const Plan& plan, const PlanOptions& options);

}  // namespace retrust
