#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/names.h"
#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// Looks for what is not Rancher's and still uses the old CA, and adds the result to the
/// observation. Reads one ConfigMap. Reads all running pods, page by page, only if
/// the CA changed, and the APIServices only if that is recent. A failure is part of the result:
/// nothing depends on it.
boost::asio::awaitable<void> observe_affected(Kubectl downstream, NamespaceName agents_namespace,
                                              Observation& seen);

/// Counts the workloads again that started before the same change of the CA: at the end of a run
/// some may have been restarted. Leaves the rest of the observation.
boost::asio::awaitable<void> count_affected_again(Kubectl downstream,
                                                  NamespaceName agents_namespace,
                                                  Affected& affected);

}  // namespace retrust
