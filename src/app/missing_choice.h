#pragma once

#include <boost/asio/awaitable.hpp>

#include "app/invocation.h"

namespace retrust {

/// Refuses a run, or a plan that is saved, without a choice of a backup. Proposes a choice that the
/// local cluster shows to be possible, if that cluster answers within some seconds. Always throws
/// Failure (usage).
boost::asio::awaitable<void> refuse_without_backup(Invocation& app);

}  // namespace retrust
