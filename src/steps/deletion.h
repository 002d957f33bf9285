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
/// question or a dry run. Reads an object only if kubectl reported no deletion of it. Returns
/// whether kubectl reported every deletion.
boost::asio::awaitable<bool> check_deleted(Kubectl kubectl, Deletion deletion, std::string printed);

}  // namespace retrust
