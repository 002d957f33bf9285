#pragma once

#include <string>
#include <vector>

#include "base/advice.h"
#include "cli/options.h"
#include "observe/observation.h"
#include "report/verdict.h"
#include "steps/plan.h"

namespace retrust {

/// How the program was called: "retrust" or "kubectl retrust", and the words after that.
struct Called {
  std::string program;
  std::vector<std::string> args;
  /// Options that came from the environment or the file, as words of a command line.
  std::vector<std::string> elsewhere = {};
};

/// The advice, with the options that reach the same clusters behind a command of retrust.
Advice completed(const Called& called, Advice advice);

/// What a person does next. Pure.

/// After status and plan.
std::vector<Advice> next_after_look(const Called& called, const Options& options,
                                    const Observation& seen, const Plan& plan);

/// After a run or a step that went well, with the plan of what would be done now; its record is in
/// that folder, which is empty where nothing was changed.
std::vector<Advice> next_after_change(const Called& called, const Options& options,
                                      const Observation& seen, const Plan& plan, Repaired repaired,
                                      WayBack way_back, const std::string& folder);

/// After one that stopped when something had been changed.
std::vector<Advice> next_after_failure(const Called& called, const Options& options,
                                       WayBack way_back, const std::string& folder);

/// After an answer that was not yes: the work is still to be done.
Advice advice_after_no(const Called& called, const Options& options, BackupMade backup);

/// Adds what is to be known of the saved record in that folder.
void add_backup(std::vector<Advice>& next, const Called& called, WayBack way_back,
                const std::string& folder);

}  // namespace retrust
