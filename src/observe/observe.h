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

/// Both clusters, and where secrets are registered.
struct Clusters {
  Kubectl downstream;
  Kubectl local;
  Redactor& redactor;
  /// What there is to warn of in their kubeconfigs has been told.
  bool warned = false;
};

/// From here on each command names the context that was seen: `kubectl config use-context` in
/// another terminal leads none to another cluster. Warns, once, of each kubeconfig by which no
/// server is verified.
void take_kubeconfigs(Clusters& clusters, const Observation& seen, const Journal& journal);

/// What the operator's users must be allowed to do, by what was observed.
using PermissionsNeeded = std::function<std::vector<Permission>(const Observation&)>;

/// Whether the tokens of Rancher's users are looked at.
enum class OwnTokensChoice { leave, look };

struct ObserveOptions {
  std::string cluster;  ///< ID or display name
  NamespaceName name_space = "cattle-system";
  PermissionsNeeded permissions = {};  ///< asked for, unless there is none
  OwnTokensChoice own_tokens = OwnTokensChoice::leave;
};

/// Asks both clusters everything that decisions are made from; changes nothing. Throws Failure
/// (refused) where it is clear from the answers that this cannot be the right pair of clusters. The
/// journal is told of what takes its time; the clusters' commands then name their contexts (see
/// take_kubeconfigs).
boost::asio::awaitable<Observation> observe(Clusters& clusters, const ObserveOptions& options,
                                            Journal journal);

/// Which trace shows that the downstream cluster is the one of the clusters resource: the service
/// account that the stored token names, else the registration token.
boost::asio::awaitable<Identity> identify(const Clusters& clusters, const Observation& seen);

/// What the downstream API server says of tokens, in their order; an empty one is not asked for.
boost::asio::awaitable<std::vector<std::pair<Verdict, DisplayText>>> review_tokens(
    const Kubectl& downstream, std::vector<Secret> tokens);

/// Asks for permissions in one process, and adds the missing ones to the observation.
boost::asio::awaitable<void> review_permissions(Kubectl kubectl,
                                                std::vector<Permission> permissions,
                                                Observation& seen);

/// The resource that is meant by an ID or a display name. Throws Failure (refused) where there is
/// none (near ones are named) or more than one; `listing` is a command that lists them. Pure.
const boost::json::value& choose_cluster(const boost::json::value& local_list,
                                         const std::string& wanted, const std::string& listing);

}  // namespace retrust
