#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/advice.h"
#include "cli/options.h"
#include "observe/observation.h"
#include "tools/kubectl.h"

/// What is not Rancher's and still uses the old CA, for people and for programs. All pure.

namespace retrust {

/// Sentences for `status`, `plan` and the head of a transcript. None if nothing is affected.
std::vector<std::string> affected_findings(const Observation& seen);

/// Clauses about the objects that have a next action: see add_affected. None if there is none.
std::vector<std::string> affected_clauses(const Observation& seen);

/// Sentences for a transcript alone: every affected workload with the command that restarts it.
/// `downstream` is the beginning of the commands.
std::vector<std::string> affected_notes(const Observation& seen, const KubectlLine& downstream);

/// Adds the next actions, each with its command: the network plugin first, 8 at most.
void add_affected(std::vector<Advice>& next, const Options& options, const Observation& seen);

/// The member `affected` of the output with -o json.
boost::json::value affected_report(const Observation& seen, const Options& options);

}  // namespace retrust
