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

/// What a step is planned by.
struct Situation {
  const Observation& seen;
  const PlanOptions& options;
  const RunState& state;

  bool performed(Step step) const { return state.performed.contains(step); }
  bool every() const { return options.extent == Extent::every; }
};

/// What came of a step.
struct StepResult {
  std::string text;       ///< one sentence
  std::string word = {};  ///< where it is not "done": in a word or two
};

/// A step's own file defines all of this; its section, name and title are in choices/step.h, which
/// the command line sees.
struct StepWork {
  /// When the step is needed, why, and by which commands, if it has not been performed; what only
  /// reads is asked all the same. Pure.
  PlannedStep (*plan)(const Situation& situation);
  /// Does the work. Throws Failure or Interrupted.
  boost::asio::awaitable<void> (*run)(Context context);
  /// By what was observed when it had been done. Pure.
  StepResult (*result)(const Observation& seen);
  /// What people notice, one sentence; nobody notices anything without. Pure.
  std::string (*effect)(const PlanOptions& options) = nullptr;
  /// What the operator's users must be allowed to do for it. Pure.
  std::vector<Permission> (*permissions)(const Observation& seen,
                                         const PlanOptions& options) = nullptr;
  /// Throws Failure (refused) where the step would do harm or cannot work. Pure.
  void (*check)(const Observation& seen) = nullptr;

  /// What is different where the step is asked for by itself.
  struct Alone {
    std::optional<Step> instead_of = {};  ///< counts as performed: it would only be waited for
    std::string_view reason = {};         ///< why it is needed then, if that is another reason
    bool proves = false;                  ///< whether the proof of a run follows
  };
  Alone alone = {};
};

/// The step table.
const StepWork& work_of(Step step);

/// What the operator's users must be allowed to do for all steps. Pure.
std::vector<Permission> permissions_of_steps(const Observation& seen, const PlanOptions& options);

/// Throws Failure (refused) where a permission is missing, or a needed step would do harm or cannot
/// work: what matters only to somebody who is about to change things. Pure.
void check_may_change(const Observation& seen, const Plan& plan);

}  // namespace retrust
