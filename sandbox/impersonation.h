#pragma once

#include <map>
#include <string>

#include "log.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

inline constexpr std::string_view impersonation_namespace = "cattle-impersonation-system";
inline constexpr std::string_view impersonator_label = "authz.cluster.cattle.io/impersonator";

/// A name for the account of a user who looks at logs or uses the shell; another one each time.
std::string impersonation_account();
/// The account of Rancher's own user for a cluster. From rancher/rancher v2.15.0,
/// pkg/systemaccount/systemaccount.go, pkg/auth/providers/common/usermanager.go.
std::string system_account(const std::string& cluster_id);

/// Rancher's server on behalf of its users, from 2.6 on: whoever looks at logs or uses the shell
/// does so by the token of an account of their own in the downstream cluster.
class Impersonators {
 public:
  Impersonators(Objects& downstream, const Settings& settings, Log& log);

  /// Every user does so now. A token that is there is used, whether it is good or not; where there
  /// is none, one is made.
  void use();

 private:
  Objects& downstream_;
  const Settings& settings_;
  Log& log_;
  std::map<std::string, std::string> being_made_;  // by account: the secret, until it is there
};

}  // namespace retrust::sandbox
