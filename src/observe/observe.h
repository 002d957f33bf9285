#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "tools/kubectl.h"
#include "transcript/journal.h"

namespace retrust {

/// Both clusters, and where secrets are registered.
struct Clusters {
  Kubectl downstream;
  Kubectl local;
  Redactor& redactor;
};

/// Warns of each kubeconfig by which no server is verified.
void warn_of_unverified(const Clusters& clusters, const Observation& seen, const Journal& journal);

/// From here on each command names the context that was seen: `kubectl config use-context` in
/// another terminal leads none to another cluster.
void keep_contexts(Clusters& clusters, const Observation& seen);

/// Whether the operator's permissions are asked for: status needs none but to read.
enum class Permissions { ask, leave };

/// Whether the tokens of Rancher's users are looked at, and are to be repaired.
enum class OwnTokensChoice { leave, look, repair };

struct ObserveOptions {
  std::string cluster;  ///< ID or display name
  NamespaceName name_space = "cattle-system";
  Permissions permissions = Permissions::ask;
  OwnTokensChoice own_tokens = OwnTokensChoice::leave;
};

/// Asks both clusters everything that decisions are made from; changes nothing. Throws Failure
/// (refused) where it is clear from the answers that this cannot be the right pair of clusters. The
/// journal is told of what takes its time.
boost::asio::awaitable<Observation> observe(const Clusters& clusters, const ObserveOptions& options,
                                            Journal journal);

/// Which trace shows that the downstream cluster is the one of the clusters resource: the service
/// account that the stored token names, else the registration token.
boost::asio::awaitable<Identity> identify(const Clusters& clusters, const Observation& seen);

/// What the downstream API server says of tokens, in their order; an empty one is not asked for.
boost::asio::awaitable<std::vector<std::pair<Verdict, DisplayText>>> review_tokens(
    const Kubectl& downstream, std::vector<Secret> tokens);

/// The resource that is meant by an ID or a display name. Throws Failure (refused) where there is
/// none (near ones are named) or more than one; `listing` is a command that lists them. Pure.
const boost::json::value& choose_cluster(const boost::json::value& local_list,
                                         const std::string& wanted, const std::string& listing);

}  // namespace retrust
