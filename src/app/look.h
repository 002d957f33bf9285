#pragma once

#include <string>

#include "app/invocation.h"
#include "observe/backup_offers.h"
#include "observe/observation.h"
#include "steps/plan.h"

namespace retrust {

/// Observation of `status` and `plan`.
struct Look {
  Observation seen;
  PlanOptions plan_options;
  BackupOffers offers = {};  ///< for `plan` without a choice of a backup
};

/// Observes both clusters, and for `plan` what a backup needs. Throws Failure (refused) where they
/// do not belong together.
boost::asio::awaitable<Look> look(Invocation& app, BackupTools& tools, Permissions permissions);

void tell_findings(Invocation& app, const Observation& seen);
void tell_difference(Invocation& app, const Observation& seen);
/// Says what comes next, or prints the report. The status tells whether a step is needed. `more` is
/// a last sentence.
ExitStatus end_look(Invocation& app, const Look& looked, const Plan& plan,
                    const std::string& more = {});

}  // namespace retrust
