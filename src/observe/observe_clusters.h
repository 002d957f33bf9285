#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/redactor.h"
#include "observe/listed_cluster.h"
#include "tools/kubectl.h"
#include "transcript/journal.h"

namespace retrust {

/// A context of a kubeconfig that leads to no cluster of the list.
struct UnusedContext {
  DisplayText kubeconfig;
  DisplayText context;  ///< empty if the file cannot be read
  std::string reason;   ///< a clause
};

/// All clusters that Rancher knows.
struct ClusterList {
  std::vector<ListedCluster> clusters;
  DisplayText rancher;  ///< Rancher's version; empty if it cannot be read
  /// What the user may not read, a sentence each.
  std::vector<std::string> unread;
  /// Whether downstream clusters were asked for their live credentials.
  enum class Asked { rancher_alone, downstream_too };
  Asked asked = Asked::rancher_alone;
  std::vector<UnusedContext> unused = {};
};

/// Asks the local cluster alone, without changes, for all clusters. Registers the secrets of the
/// kubeconfig. Warns of a kubeconfig that does not verify its server. Throws Failure if the
/// clusters cannot be read; the other facts are then unknown.
boost::asio::awaitable<ClusterList> observe_clusters(Kubectl local, Redactor& redactor,
                                                     Journal journal,
                                                     Digests digests = Digests::leave);

}  // namespace retrust
