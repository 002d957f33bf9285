#pragma once

#include "cli/options.h"

namespace retrust {

/// Whether the command can change a cluster: then somebody is asked, and permissions are.
bool changes_something(const Options& options);

/// Whether the command needs a choice about a backup of Rancher, and has none. A plan that is saved
/// needs one, too.
bool lacks_choice(const Options& options);

/// Checks the options before anything is started. Throws Failure (usage).
void check_usage(const Options& options);

}  // namespace retrust
