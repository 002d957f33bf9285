#pragma once

#include <string>
#include <vector>

#include "observe/observation.h"
#include "steps/plan.h"
#include "transcript/event.h"
#include "transcript/journal.h"

namespace retrust {

/// Extent of findings: `brief` ones fit a screen beside credentials_table().
enum class Detail { brief, full };

/// Sentences about an observation, for `status` and the head of a transcript.
std::vector<std::string> findings(const Observation& observation, Detail detail = Detail::full);

/// Absolute paths of the operator's programs.
struct Programs {
  std::string kubectl;
  std::string docker = {};
};

/// Facts for the head of a transcript.
Finding facts(const Observation& observation, const Programs& programs);

/// Tells that the operator waived a backup of Rancher.
void tell_waived_backup(const Journal& journal);

/// Rancher's stored credentials, for people.
std::vector<std::string> render_stored(const Observation& observation);

/// Unified diff of the rendered credentials, stored against live; empty if they are the same.
std::string credentials_diff(const Observation& observation);

/// Short table of the stored and the live credentials, side by side.
std::vector<std::string> credentials_table(const Observation& observation);

/// True if a step is needed or the credentials differ: `status` and `plan` then exit with status 3.
bool differs(const Observation& observation, const Plan& plan);

}  // namespace retrust
