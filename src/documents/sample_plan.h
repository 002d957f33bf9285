#pragma once

#include <string>
#include <vector>

#include "steps/plan.h"

namespace retrust::documents {

/// Which Rancher a command is shown for.
enum class Shown {
  before_secrets,  ///< 2.1: the token is in the clusters resource
  with_secrets,    ///< 2.12: the token is in a Secret
};

/// The commands that a run of every section would run for a step, as `retrust plan` prints them,
/// with words in capitals in the places of names. From the plan itself, so that a manual cannot
/// differ from it.
std::vector<std::string> commands_of(Step step, Shown shown);

}  // namespace retrust::documents
