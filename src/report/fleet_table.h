#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/advice.h"
#include "report/cluster_table.h"
#include "transcript/event.h"

namespace retrust {

/// The result of a command for one of several clusters.
struct FleetResult {
  ClusterEnded end = {};
  std::string text = {};                ///< what holds now, or why it ended so
  boost::json::value report = nullptr;  ///< of `status` and `plan` in JSON
};

/// The exit status for several clusters: the worst of theirs, in the order 128+n, 1, 5, 6, 4, 7, 2,
/// 3, 0. Pure.
int worst_status(const std::vector<FleetResult>& results);

/// The code of the failure behind that exit status; empty if there is none. Pure.
std::string worst_code(const std::vector<FleetResult>& results);

/// "3 repaired, 1 refused", the worst first. Pure.
std::string counted_results(const std::vector<FleetResult>& results);

/// A table of the results, a line for each cluster, the worst first. Pure.
std::vector<TableLine> fleet_table(const std::vector<FleetResult>& results);

/// The next action for each cluster with one of its own, the worst first: `most` at most. Pure.
std::vector<Advice> fleet_next(const std::vector<FleetResult>& results, std::size_t most);

/// The output of `status -o json` and `plan -o json` for several clusters. Pure.
boost::json::object fleet_report(const std::vector<FleetResult>& results);

}  // namespace retrust
