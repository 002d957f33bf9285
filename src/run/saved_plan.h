#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/display_text.h"
#include "base/names.h"
#include "choices/step.h"
#include "transcript/event.h"

namespace retrust {

/// A fact on which a plan depends, as a saved plan has it: a name, a version or a digest.
struct PlanFact {
  std::string_view name;     ///< "liveToken"
  std::string_view changed;  ///< what to say if it is another one now
};

/// Every fact of a saved plan.
inline constexpr std::array<PlanFact, 11> plan_facts{{
    {"clusterUid", "the kubeconfig leads to another cluster"},
    {"localClusterUid", "Rancher's own cluster is another one"},
    {"recordUid", "Rancher's record of the cluster was created again"},
    {"rancherVersion", "Rancher has another version"},
    {"kubernetesVersion", "the cluster has another version of Kubernetes"},
    {"storedToken", "Rancher has stored another token"},
    {"storedTokenSecret", "Rancher's record names another Secret"},
    {"storedCa", "Rancher has stored another CA"},
    {"liveTokenSecret", "the cluster's token is in another Secret"},
    {"liveToken", "the cluster has another token"},
    {"liveCa", "the cluster has another CA"},
}};

/// A step of a saved plan. Its commands are there to be compared and read, not to be performed.
struct SavedStep {
  Step step;
  Need need;
  DisplayText reason;
  std::vector<std::string> commands;
};

/// The plan of one cluster.
struct ClusterPlan {
  ClusterId id;
  DisplayText name;
  std::map<std::string, DisplayText, std::less<>> facts;  ///< by PlanFact::name
  std::vector<SavedStep> steps;                           ///< in their order

  std::string in_full() const { return fmt::format("{} ({})", name, id); }
};

/// What `plan --out` saved.
struct SavedPlan {
  DisplayText retrust;               ///< version that saved it
  DisplayText created;               ///< time in UTC
  std::vector<std::string> options;  ///< that decide the plan, as words of a command line
  std::vector<ClusterPlan> clusters;

  /// The options and the clusters, as words of a command line.
  std::vector<std::string> words() const;
  /// Null if the plan does not have the cluster.
  const ClusterPlan* find(const ClusterId& id) const;
};

/// Limits of a file's size and of the clusters of a plan.
inline constexpr std::size_t most_plan_bytes = 8UL * 1024 * 1024;
inline constexpr std::size_t most_plan_clusters = 2000;

/// The file's content without its member `clusters`.
boost::json::object plan_head(std::string_view retrust, std::string_view created,
                              const std::vector<std::string>& options);

/// Reads a saved plan, or a cluster of it, with the distrust of others' files. Throws Failure
/// (usage) where the text is no plan of this format.
SavedPlan parse_saved_plan(std::string_view text);
ClusterPlan parse_cluster_plan(const boost::json::value& value);

/// Reads the file. Throws Failure (usage) as parse_saved_plan does, and as open_trusted does.
SavedPlan read_saved_plan(const std::filesystem::path& path);

/// Throws Failure (usage) if a plan cannot be saved there: in no folder of that name, or over
/// something that is no saved plan, of whichever format.
void check_replaceable(const std::filesystem::path& path);

}  // namespace retrust
