#pragma once

#include <cstddef>
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
  std::string trouble = {};
};

/// Clusters whose stored token is of an account that the context's cluster has, with that uid.
/// A name proves nothing, and the agents' claim neither. Pure.
std::vector<ClusterId> clusters_by_account(const ContextFacts& facts,
                                           const std::vector<StoredAccount>& stored);

/// Clusters that the agents claim to be of: a hint where to look for their registration token.
/// Pure.
std::vector<ClusterId> claimed_clusters(const ContextFacts& facts);

/// Marks the proven matches of a cluster that an earlier one leads to. Pure.
void mark_repeated(std::vector<Match>& matches);

/// What became of a context that leads to no cluster for retrust, as a clause: "leads through
/// Rancher, and Rancher's tokens do not reach a cluster that rejects them". Empty for a proven one.
std::string why_unused(const Match& match, const std::vector<Match>& matches);

}  // namespace retrust
