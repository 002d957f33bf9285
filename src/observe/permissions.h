#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "observe/agent_token.h"
#include "observe/observation.h"

namespace retrust {

/// What somebody must be allowed to do.
struct Permission {
  std::string verb;
  std::string group;
  std::string resource;
  std::string name_space;  ///< empty for cluster-scoped resources
};

/// What the steps change in the downstream cluster.
std::vector<Permission> downstream_permissions(const NamespaceName& name_space, TokenMaker maker);
/// What the steps change in the local cluster.
std::vector<Permission> local_permissions(const Local& local);

/// What the deletion of rejected tokens changes: nothing where there are none.
std::vector<Permission> own_token_permissions(const OwnTokens& tokens);

/// "delete secrets in cattle-system (downstream cluster)".
std::string text_of(const Permission& permission, std::string_view cluster);

/// A SelfSubjectAccessReview, and what was answered.
boost::json::value access_review(const Permission& permission);
bool is_allowed(const boost::json::value& answer);

/// A TokenReview, and what was answered: the verdict and the server's reason.
boost::json::value token_review(const Secret& token);
std::pair<Verdict, DisplayText> verdict_of(const boost::json::value& answer);

}  // namespace retrust
