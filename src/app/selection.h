#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"
#include "base/display_text.h"
#include "base/names.h"
#include "fleet/match.h"
#include "tools/kubectl.h"

namespace retrust {

/// A way to a cluster that is meant.
struct Way {
  ClusterId cluster;
  DisplayText display_name;
  Match match;
  std::string refusal = {};  ///< why the cluster is left alone; else empty
};

/// A context that does not tell where it leads.
struct UnclearContext {
  std::string context;  ///< file and name
  FailureCode code;     ///< of a command for it alone
};

/// The clusters that are meant.
struct Selection {
  std::vector<Way> ways = {};            ///< empty where the options name the one way
  std::optional<Kubectl> local = {};     ///< of several clusters, connected
  std::vector<std::string> missed = {};  ///< selected clusters without a way, a line each
  FailureCode missed_code = FailureCode::wrong_cluster;
  std::vector<UnclearContext> unclear = {};
};

/// Finds out which clusters are meant, and the contexts that lead to them, where the options do not
/// name one of each: several kubeconfigs, a folder, a list, all contexts, a pattern, all clusters,
/// or no cluster. Completes the options of a command for one cluster. Tells what was found. Throws
/// Failure (refused) if no context leads to the cluster, and Failure (usage) if the command takes
/// one cluster and several are meant.
boost::asio::awaitable<Selection> select_clusters(Invocation& app);

/// The options of a command for the cluster behind the way, and the same as words of a command
/// line.
void take_way(Options& options, Called& called, const Way& way);

}  // namespace retrust
