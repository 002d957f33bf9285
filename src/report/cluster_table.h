#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "observe/listed_cluster.h"
#include "observe/observe_clusters.h"

namespace retrust {

/// A line of a table for people.
struct TableLine {
  enum class Kind {
    header,
    bad,      ///< a cluster that Rancher cannot use, whose stored CA ended or is not the live one
    warning,  ///< another cluster that needs attention
    plain,
    faint,  ///< a deleted cluster, or Rancher's own
  };
  std::string text;
  Kind kind = Kind::plain;
};

/// Columns of the table of clusters. If downstream clusters were asked, LIVE is one more.
enum class Columns {
  usual,  ///< within 80 columns for names of up to 12 characters
  wide,   ///< all
};

/// The table of `list`, one line for each cluster, in their order. Empty without clusters.
std::vector<TableLine> cluster_table(const std::vector<ListedCluster>& clusters, Columns columns,
                                     const ListLimits& limits,
                                     ClusterList::Asked asked = ClusterList::Asked::rancher_alone);

/// The names for `-o name`, a line each: "clusters.management.cattle.io/c-x7k2p". Rancher's own
/// cluster is left out, as no other command takes it.
std::vector<std::string> cluster_names(const std::vector<ListedCluster>& clusters);

/// The output of `list -o json`: see list_fields() in report_fields.h.
boost::json::object list_report(const ClusterList& list, const ListLimits& limits);

/// True if a cluster needs attention: the exit status is 3 then.
bool need_attention(const std::vector<ListedCluster>& clusters, const ListLimits& limits);

}  // namespace retrust
