#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/display_text.h"
#include "base/names.h"
#include "credentials/secret.h"

namespace retrust {

class Redactor;

/// What an agent connects to Rancher with: the content of a secret cattle-credentials-…
struct AgentCredentials {
  ObjectName secret;
  Secret token;       ///< decides which clusters resource the agent feeds
  DisplayText url;    ///< Rancher's address as the agent knows it
  ClusterId cluster;  ///< the cluster's own claim, which proves nothing

  bool operator==(const AgentCredentials&) const = default;
};

/// The credentials that the agents' workloads mount, or all that are there if none mounts any.
/// Registers the tokens.
std::vector<AgentCredentials> agent_credentials(const boost::json::value& list, Redactor& redactor);

/// A registration token of a clusters resource.
struct RegistrationToken {
  Secret token;
  Secret previous;  ///< the token before the last rotation
  /// Time until which Rancher takes the previous token.
  std::optional<std::chrono::sys_seconds> previous_until;
};

/// Comparison of the agents' credentials with Rancher's registration tokens.
struct Registration {
  enum class State {
    unknown,          ///< there is nothing to compare, or it cannot be read
    present,          ///< Rancher takes the agents' token
    previous,         ///< Rancher takes it until `until`
    dead,             ///< Rancher does not know it: an agent that restarts never connects again
    another_cluster,  ///< the agents feed the clusters resource `cluster`
  };
  State state = State::unknown;
  std::optional<std::chrono::sys_seconds> until = {};
  ClusterId cluster = {};  ///< the clusters resource of `another_cluster`, or the agents' claim
  DisplayText url = {};    ///< Rancher's address as the agents know it
  DisplayText server_url = {};  ///< this Rancher's address, its setting server-url
  DisplayText trouble = {};     ///< why Rancher's tokens cannot be read

  /// True if an agent that restarts does not connect to this record again.
  bool keeps_out() const { return state == State::dead; }
  /// True if both addresses are known and differ in host or port.
  bool is_another_rancher() const;
  /// True if the agents themselves claim to be of that clusters resource of this Rancher.
  bool claims(const ClusterId& id) const;
};

/// Finds the mounted token among Rancher's. Pure.
Registration compare_registration(const std::vector<AgentCredentials>& mounted,
                                  const std::vector<RegistrationToken>& known,
                                  std::chrono::sys_seconds now);

/// One sentence about what keeps the agents from connecting here. Empty if nothing is known to.
/// Pure.
std::string registration_trouble(const Registration& registration);

}  // namespace retrust
