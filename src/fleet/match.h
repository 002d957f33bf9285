#pragma once

#include <cstddef>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "fleet/contexts.h"
#include "observe/registration.h"

namespace retrust {

/// The account of the token that Rancher has stored for a cluster.
struct StoredAccount {
  ClusterId cluster;
  ObjectName account;
  Uid uid;
};

/// What the cluster behind a context shows of itself.
struct ContextFacts {
  Uid kube_system_uid = {};
  std::map<ObjectName, Uid> accounts = {};    ///< of the agents' namespace
  std::vector<AgentCredentials> agents = {};  ///< what the agents connect with
};

/// A context, and the cluster that it leads to.
struct Match {
  enum class Result {
    proven,    ///< `clusters` holds the one cluster
    unproven,  ///< the evidence fits no cluster that Rancher knows
    several,   ///< the evidence fits all of `clusters`
    repeated,  ///< `clusters` holds the cluster that `first` leads to already
    own,       ///< the way leads to the cluster that Rancher runs in
    through,   ///< the way leads through Rancher
    no_answer  ///< `trouble` says why
  };
  GivenContext context;
  Result result = Result::no_answer;
  std::vector<ClusterId> clusters = {};
  std::optional<std::size_t> first = {};  ///< the index of the earlier context, for `repeated`
  Uid kube_system_uid = {};               ///< of the cluster that answered
  std::string trouble = {};               ///< also what of the evidence could not be read
  std::exception_ptr failure = {};        ///< the one behind the trouble, if there is one
};

/// Clusters whose stored token is of an account that the context's cluster has, with that uid.
/// A name proves nothing, and the agents' claim neither. Pure.
std::vector<ClusterId> clusters_by_account(const ContextFacts& facts,
                                           const std::vector<StoredAccount>& stored);

/// Limit of clusters that the agents of one cluster may claim to be of: they are of one.
inline constexpr std::size_t most_claims = 20;

/// Clusters of Rancher that the agents claim to be of: a hint where to look for their registration
/// token. Pure.
std::vector<ClusterId> claimed_clusters(const ContextFacts& facts,
                                        const std::vector<StoredAccount>& stored);

/// Marks the proven matches of a cluster that an earlier one leads to. Pure.
void mark_repeated(std::vector<Match>& matches);

/// Why a context is not used, as a clause: "leads through Rancher, to c-abcde". Empty for a proven
/// one.
std::string why_unused(const Match& match, const std::vector<Match>& matches);

}  // namespace retrust
