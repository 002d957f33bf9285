#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace retrust {

/// Checks the metadata of every object that a cluster sent: of the object itself, of the items of a
/// list, of a watch's event. Names, namespaces, uids, resourceVersions and the names of owners must
/// be texts that follow their kind's rule. `cluster` is for the sentence, e.g. "downstream cluster",
/// and `command` is the one that was answered, as a person would type it. Throws Failure (refused)
/// that names the offending object. An object without a name passes: reviews have none.
void check_objects(const boost::json::value& answer, std::string_view cluster,
                   std::string_view command);

}  // namespace retrust
