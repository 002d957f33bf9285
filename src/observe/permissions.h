#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// A permission that a user needs.
struct Permission {
  Side side;
  std::string verb;
  std::string group;
  std::string resource;
  std::string name_space;  ///< empty for cluster-scoped resources
  /// What follows if the user lacks it.
  enum class Lack { refuses, is_told } lack = Lack::refuses;
  std::string subresource = {};  ///< "status"; empty for the resource itself
  std::string name = {};         ///< of the only object that is needed; empty for all

  bool operator==(const Permission&) const = default;
};

/// Text of a permission: "delete secrets in cattle-system (downstream cluster)". A subresource and
/// a name stand behind the resource, as kubectl's `auth can-i` takes them.
std::string text_of(const Permission& permission);

/// A SelfSubjectAccessReview, and the reading of its answer.
boost::json::value access_review(const Permission& permission);
bool is_allowed(const boost::json::value& answer);

/// A TokenReview, and the reading of its answer: the verdict and the server's reason. An error that
/// says nothing about the token itself, such as a webhook that cannot be reached, is no rejection.
boost::json::value token_review(const Secret& token);
std::pair<Verdict, DisplayText> verdict_of(const boost::json::value& answer);

/// True for the words of an API server about a token whose secret is gone, and about a token whose
/// secret it could not read just then (kubernetes/kubernetes v1.30.0, pkg/serviceaccount/legacy.go
/// and claims.go). They are a rejection only if the secret is known to be gone.
bool may_lack_secret(const DisplayText& reason);

}  // namespace retrust
