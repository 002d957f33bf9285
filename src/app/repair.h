#pragma once

#include <memory>
#include <string>

#include "app/invocation.h"
#include "run/step_runner.h"

namespace retrust {

/// Connects to both clusters, for what performs steps of the runbook.
boost::asio::awaitable<std::shared_ptr<StepRunner>> connect(Invocation& app, Record& record);

/// Says where the clusters stand and what comes next.
ExitStatus end_repair(const Invocation& app, Record& record, const StepRunner& runner,
                      ExitStatus status, std::string head);

}  // namespace retrust
