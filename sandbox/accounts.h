#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster.h"
#include "pki.h"
#include "profile.h"

namespace retrust::sandbox {

/// A service account of a played cluster that has been there for long.
struct AccountSpec {
  std::string name_space;
  std::string name;
  Key signer;  ///< of its tokens
  /// How Rancher's code keeps a token for it; nothing where it has none to do with it.
  std::optional<AccountSecret> how = {};
  std::string label = {};                     ///< which it has with the value true
  std::vector<std::string> more_tokens = {};  ///< names of token secrets that it has besides
  enum class Secrets { there, gone } secrets = Secrets::there;
};
struct Account {
  std::string mountable = {};  ///< name of the token secret that a pod mounts, where there is one
  std::string token_base64 = {};  ///< the one that Rancher's code takes
};
/// Adds the account with its secrets: one made for it by Kubernetes up to 1.23 (and kept since,
/// where Rancher needs it), one that Rancher's code made.
Account add_account(Cluster& cluster, const AccountSpec& spec);

}  // namespace retrust::sandbox
