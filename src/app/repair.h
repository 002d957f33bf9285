#pragma once

#include <memory>
#include <string>

#include "app/invocation.h"
#include "run/execution.h"

namespace retrust {

/// Connects to both clusters, for what performs steps of the runbook.
boost::asio::awaitable<std::shared_ptr<Execution>> connect(Invocation& app, Record& record);

/// Says where the clusters stand and what comes next.
ExitStatus end_repair(const Invocation& app, Record& record, const Execution& execution,
                      ExitStatus status, std::string head);

}  // namespace retrust
