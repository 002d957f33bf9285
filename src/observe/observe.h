#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "observe/permissions.h"
#include "tools/kubectl.h"
#include "transcript/journal.h"

namespace retrust {

/// The kubectls of both clusters, and the redactor for their secrets.
struct Clusters {
  Kubectl downstream;
  Kubectl local;
  Redactor& redactor;
  /// True once the warnings about the kubeconfigs have been issued.
  bool warned = false;
};

/// Makes each further command name the context that was seen: `kubectl config use-context` in
/// another terminal then leads no command to another cluster. Warns, once, of each kubeconfig that
/// does not verify its server.
void take_kubeconfigs(Clusters& clusters, const Observation& seen, const Journal& journal);

/// Warns if the kubeconfig does not verify its server.
void warn_if_unverified(const Kubectl& kubectl, const KubeconfigView& view, const Journal& journal);

/// Returns the permissions that the operator's users need after an observation.
using PermissionsNeeded = std::function<std::vector<Permission>(const Observation&)>;

/// Choice to review the tokens of Rancher's users. From Kubernetes 1.27 on the review of an
/// accepted one writes a label into its Secret (kubernetes/kubernetes v1.30.0,
/// pkg/serviceaccount/legacy.go).
enum class UserTokensChoice {
  leave,             ///< do not read them
  for_redeployment,  ///< review them if Rancher has to deploy its agents again
  with_cause,        ///< review tokens that may be rejected: see observe_user_tokens
  look,              ///< review all
};

/// Choice to look for what is not Rancher's and uses the old CA.
enum class AffectedChoice { leave, look };

struct ObserveOptions {
  std::string cluster;  ///< ID or display name
  NamespaceName name_space = "cattle-system";
  PermissionsNeeded permissions = {};  ///< none: no question about permissions
  UserTokensChoice user_tokens = UserTokensChoice::leave;
  AffectedChoice affected = AffectedChoice::leave;
  Uid expected = {};  ///< uid of the downstream cluster's kube-system; empty: it is not known yet
};

/// Asks both clusters for all facts that decisions need, without changes. Tells the journal of long
/// work. Afterwards the clusters' commands name their contexts (see take_kubeconfigs). Throws
/// Failure (refused) if the answers show that this cannot be the right pair of clusters.
boost::asio::awaitable<Observation> observe(Clusters& clusters, const ObserveOptions& options,
                                            Journal journal);

/// The evidence that the downstream cluster is the one of the clusters resource: the service
/// account that the stored token names, else the registration token, else the agents' claim. Pure.
Identity identity_of(const Observation& seen);

/// Asks the downstream API server for verdicts on tokens, and returns them in the order of the
/// tokens. Skips an empty token.
boost::asio::awaitable<std::vector<std::pair<Verdict, DisplayText>>> review_tokens(
    const Kubectl& downstream, std::vector<Secret> tokens);

/// Asks for permissions in one process, and adds the missing ones to the observation.
boost::asio::awaitable<void> review_permissions(Kubectl kubectl,
                                                std::vector<Permission> permissions,
                                                Observation& seen);

/// Finds the clusters resource by an ID or a display name. Throws Failure (refused) if there is
/// none (with similar ones) or more than one. `listing` is a command that lists the clusters. Pure.
const boost::json::value& choose_cluster(const boost::json::value& local_list,
                                         const std::string& wanted, const std::string& listing);

}  // namespace retrust
