#pragma once

#include <string>
#include <vector>

#include "steps/plan.h"

namespace retrust::documents {

/// Rancher version of the shown commands.
enum class Shown {
  before_secrets,  ///< 2.1: the token is in the clusters resource
  with_secrets,    ///< 2.12: the token is in a Secret
};

/// Commands of a step in a run of every section, as `retrust plan` prints them, with words in
/// capitals for names. They come from the plan itself, so that a manual cannot differ from it.
std::vector<std::string> commands_of(Step step, Shown shown);

}  // namespace retrust::documents
