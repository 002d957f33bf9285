#pragma once

#include <string>
#include <vector>

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

/// The text with options behind the command in its end, as in "see what is left: retrust plan":
/// the options that reach the same clusters.
std::string completed(const Called& called, const std::string& text);

/// What a person does next, a sentence each. Pure.

/// After status and plan.
std::vector<std::string> next_after_look(const Called& called, const Options& options,
                                         const Observation& seen, const Plan& plan);

/// After a run or a step that went well, with the plan of what would be done now; its record is in
/// that folder, which is empty where nothing was changed.
std::vector<std::string> next_after_change(const Called& called, const Options& options,
                                           const Observation& seen, const Plan& plan,
                                           Repaired repaired, WayBack way_back,
                                           const std::string& folder);

/// After one that stopped when something had been changed.
std::vector<std::string> next_after_failure(const Called& called, const Options& options,
                                            WayBack way_back, const std::string& folder);

/// After an answer that was not yes: the work is still to be done.
std::string advice_after_no(const Called& called, const Options& options, BackupMade backup);

/// Adds what is to be known of the saved record in that folder.
void add_backup(std::vector<std::string>& next, const Called& called, WayBack way_back,
                const std::string& folder);

}  // namespace retrust
