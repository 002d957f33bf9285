#pragma once

#include <optional>
#include <set>
#include <string>

#include <boost/json/object.hpp>

#include "observe/observation.h"

namespace retrust {

/// Maker of a token secret for the account `cattle` if there is none (from the sources of
/// Kubernetes and of Rancher's agents, 2.0.0 to 2.15.0).
enum class TokenMaker {
  kubernetes,  ///< up to 1.23: the token controller, at once
  agents,      ///< from Rancher 2.6.7 on: the agents, at start-up
  retrust,     ///< nobody else: older agents, on Kubernetes 1.24 and later
};
TokenMaker token_maker(const Observation& observation);

/// Version of the agents that a new pod runs: of their image, else of Rancher's server. Nothing if
/// neither is known.
std::optional<Version> agents_version(const Observation& observation);

/// True if the agents make a token secret at start-up, so that the secret is younger than their
/// pods.
bool agents_make_tokens(const Observation& observation);

/// Reason why the agents cannot start with the account: agents of 2.5.8 to 2.6.6 take the first
/// secret that the account lists, on every Kubernetes (rancher/rancher v2.6.6,
/// pkg/agent/cluster/cluster.go: getTokenFromAPI). Empty if they can.
std::string account_trouble(const Observation& observation);

/// True if the next token secret has to be put first in the account's list, before agents of 2.5.8
/// to 2.6.6 start.
bool needs_first_place(const Observation& observation);

/// A new Secret for the token controller to fill in, in the form of Rancher's agents and server
/// (rancher/rancher v2.15.0, pkg/serviceaccounttoken/secret.go). Its usual name is the account's
/// with "-token-" and 5 letters.
boost::json::object new_account_secret(const NamespaceName& name_space, const ObjectName& account,
                                       const Uid& account_uid, const ObjectName& name);

/// Makes `secret` the first in the account's list, and removes the secrets that are not in `there`
/// from the list. Pure.
void list_secret_first(boost::json::object& account, const ObjectName& secret,
                       const std::set<ObjectName>& there);

/// True if the CA in the token secret is the one in kube-root-ca.crt, or if either is missing.
bool agree_on_ca(const Downstream& downstream, const TokenSecret& secret);

}  // namespace retrust
