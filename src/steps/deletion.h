#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/names.h"
#include "tools/kubectl.h"

namespace retrust {

/// Objects that a `kubectl delete` was to delete.
struct Deletion {
  std::string kind;  ///< "secret", "pod"
  NamespaceName name_space;
  std::map<ObjectName, Uid> uids;  ///< by name
};

/// The names of which kubectl did not say that it deleted them. Pure.
std::vector<ObjectName> not_reported(const Deletion& deletion, std::string_view printed);

/// Throws Failure where an object is still there as it was, though kubectl ended with status 0: a
/// kuberc (kubectl 1.33 and later) can turn a deletion into a question or a dry run. Reads the
/// objects only where kubectl did not report a deletion; they may have been gone before.
boost::asio::awaitable<void> check_deleted(Kubectl kubectl, Deletion deletion, std::string printed);

}  // namespace retrust
