#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace retrust {

/// What was asked, and of whom.
struct Question {
  std::string_view cluster;          ///< for sentences, e.g. "downstream cluster"
  std::string command;               ///< as a person would type it
  std::string_view name_space = {};  ///< that all objects must be in; empty: any
};

/// Checks the names in every object that a cluster sent: of the object itself, of the items of a
/// list, of a watch's event. Names, namespaces, uids, resourceVersions and the names of owners must
/// be texts that follow their kind's rule, and a namespaced object must be of the namespace that
/// was asked for. The names of service accounts and Secrets that pods, token secrets and clusters
/// refer to are checked, too. The name of a mounted secret is not: Kubernetes takes any text there.
/// Throws Failure (refused) that names the offending object. An object without a name passes:
/// reviews have none.
void check_objects(const boost::json::value& answer, const Question& question);

}  // namespace retrust
