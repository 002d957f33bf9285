#pragma once

#include <vector>

#include <boost/asio/awaitable.hpp>

#include "steps/deletion.h"
#include "tools/arguments.h"
#include "tools/kubectl.h"

namespace retrust {

/// Runs a `kubectl delete` of objects by their names, waits out transient failures, and checks as
/// check_deleted does. Returns the objects that somebody else had deleted: none after a lost
/// answer, because the attempt without an answer may have deleted them.
boost::asio::awaitable<std::vector<ObjectName>> delete_named(Kubectl kubectl, Deletion deletion,
                                                             Arguments args);

}  // namespace retrust
