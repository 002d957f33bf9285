#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace retrust {

/// A request to a cluster, for the checks and messages about its answer.
struct Question {
  std::string_view cluster;          ///< name for sentences, e.g. "downstream cluster"
  std::string command;               ///< the command as a person would type it
  std::string_view name_space = {};  ///< the required namespace of all objects; empty: any
};

/// Checks the names in every object that a cluster sent: in the object, in the items of a list, and
/// in a watch event. Names, namespaces, uids, resourceVersions and owners' names must be texts that
/// follow their kind's rule. A namespaced object must be in the requested namespace. References of
/// pods, token secrets and clusters to service accounts and Secrets are checked too. The name of a
/// mounted secret is not checked: Kubernetes takes any text there. An object without a name passes:
/// reviews have none. Throws Failure (refused) that names the offending object.
void check_objects(const boost::json::value& answer, const Question& question);

}  // namespace retrust
