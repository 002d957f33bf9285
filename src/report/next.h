#pragma once

#include <string>
#include <vector>

#include "base/advice.h"
#include "cli/options.h"
#include "observe/backup_offers.h"
#include "observe/listed_cluster.h"
#include "observe/observation.h"
#include "report/verdict.h"
#include "steps/plan.h"

namespace retrust {

/// Call of the program: "retrust" or "kubectl retrust", and the words after that.
struct Called {
  std::string program;
  std::vector<std::string> args;
  /// Options from the environment or the file, as words of a command line.
  std::vector<std::string> elsewhere = {};
  /// Options that lead to the cluster and were found out, as words of a command line. They take the
  /// place of what was given.
  std::vector<std::string> found = {};
  /// Backups to propose where a command of `run` lacks one.
  BackupOffers offers = {};
};

/// The advice, with the options for the same clusters added to a command of retrust.
Advice completed(const Called& called, Advice advice);

/// Advice to call the command again with these options as the way to the cluster.
Advice with_way(Called called, CommandName command, std::vector<std::string> way,
                std::string sentence);

/// Advice to call the command with the same options and that choice of a backup, e.g. "--k3s".
Advice with_backup(Called called, CommandName command, std::string option, std::string sentence);

/// Advice to perform the plan that was saved in the file.
Advice performing(const Called& called, const std::string& file);

/// Next actions of a person. All pure.

/// Actions after status and plan.
std::vector<Advice> next_after_look(const Called& called, const Options& options,
                                    const Observation& seen, const Plan& plan);

/// Actions after `list`, about its most urgent cluster.
std::vector<Advice> next_after_list(const Called& called, const ListedCluster& first);

/// Actions after a successful run or step. `plan` is the plan for the present state. `folder` holds
/// the record of the run, and is empty if nothing was changed.
std::vector<Advice> next_after_change(const Called& called, const Options& options,
                                      const Observation& seen, const Plan& plan, Repaired repaired,
                                      WayBack way_back, const std::string& folder);

/// Actions after a run or step that failed after a change. `folder` is empty if it is gone.
std::vector<Advice> next_after_failure(const Called& called, const Options& options,
                                       WayBack way_back, const std::string& folder);

/// Actions after a failure before any change: the same command again, if the advice says to run
/// again or if there is no advice.
std::vector<Advice> next_before_change(const Called& called, const Options& options,
                                       const Advice& advice);

/// Advice after retrust was killed, which can be told before only.
Advice advice_if_killed(const Called& called, const Options& options);

/// Advice after an answer that was not yes: the work is still to be done.
Advice advice_after_no(const Called& called, const Options& options, BackupMade backup);

/// Adds advice about the saved record in the folder.
void add_backup(std::vector<Advice>& next, const Called& called, WayBack way_back,
                const std::string& folder);

}  // namespace retrust
