#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/names.h"
#include "tools/kubectl.h"

namespace retrust {

/// Objects of one `kubectl delete`.
struct Deletion {
  std::string kind;  ///< "secret", "pod"
  NamespaceName name_space;
  std::map<ObjectName, Uid> uids;  ///< uid by name
};

/// The names for which kubectl reported no deletion. Pure.
std::vector<ObjectName> not_reported(const Deletion& deletion, std::string_view printed);

/// Checks that the objects are gone, and throws Failure if one is still there. kubectl may end with
/// status 0 without a deletion: a kuberc (kubectl 1.33 and later) can turn a deletion into a
/// question or a dry run. Reads an object only if kubectl reported no deletion of it. Returns the
/// objects that kubectl did not delete, because somebody else had.
boost::asio::awaitable<std::vector<ObjectName>> check_deleted(Kubectl kubectl, Deletion deletion,
                                                              std::string printed);

/// Deletes secrets whose names others may have given to another secret meanwhile: each only if it
/// still has its uid. Returns the secrets that were gone or replaced. Throws Failure.
boost::asio::awaitable<std::vector<ObjectName>> delete_exactly(Kubectl kubectl, Deletion deletion);

}  // namespace retrust
