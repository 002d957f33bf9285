#pragma once

#include <optional>
#include <set>
#include <string>

#include <boost/json/object.hpp>

#include "observe/observation.h"

namespace retrust {

/// Who makes a token secret of the account `cattle` where there is none (from the sources of
/// Kubernetes and of Rancher's agents, 2.0.0 to 2.15.0).
enum class TokenMaker {
  kubernetes,  ///< up to 1.23: its token controller, at once
  agents,      ///< from Rancher 2.6.7 on: they do when they start
  retrust,     ///< nobody else: older agents, on Kubernetes 1.24 and later
};
TokenMaker token_maker(const Observation& observation);

/// The version of the agents that a new pod runs, by their image, else that of Rancher's server;
/// nothing where neither tells.
std::optional<Version> agents_version(const Observation& observation);

/// Whether the agents make a token secret of their own when they start, so that it is younger than
/// their pods.
bool agents_make_tokens(const Observation& observation);

/// Why the agents cannot start with the account as it is: those of 2.5.8 to 2.6.6 take the first
/// secret that it lists. Empty where they can, or where Kubernetes sees to it.
std::string account_trouble(const Observation& observation);

/// A new Secret for the token controller to fill in, as Rancher's agents make them.
boost::json::object new_account_secret(const NamespaceName& name_space, const Uid& account_uid);

/// The service account with that secret as the first that it lists, and without the secrets that
/// are not there. Pure.
void list_secret_first(boost::json::object& account, const ObjectName& secret,
                       const std::set<ObjectName>& there);

/// Whether the CA in the token secret is the one in kube-root-ca.crt; true where one is missing.
bool agree_on_ca(const Downstream& downstream, const TokenSecret& secret);

}  // namespace retrust
