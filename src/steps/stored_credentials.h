#pragma once

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// What Rancher has stored for the cluster, followed by the watch of 2.5.

/// Begins the watch, unless it goes on already. Whoever performs steps ends it.
boost::asio::awaitable<void> watch_stored(Context context);

/// Reads the Secret that the watch named last, if that is due: before that nothing is known of the
/// stored token. Another can be due then.
boost::asio::awaitable<void> read_due_token(Context context);

/// Waits until Rancher has stored the live credentials, and for `ready` says that the cluster is
/// ready; false where the time is over.
enum class Target { stored, ready };
boost::asio::awaitable<bool> await_cluster(Context context, Target target);

/// Waits for Rancher to say that the cluster is ready. Throws Failure (gave_up) in the end.
boost::asio::awaitable<void> await_ready(Context context);

/// Why the wait of await_ready was in vain, by what was seen at its end. Pure.
Failure not_ready(const Observation& seen, std::chrono::milliseconds limit);

/// Throws Failure where Rancher does not have the live credentials stored. Pure: for the end of
/// what made it so, as others write there, too.
void check_still_stored(const Observation& seen);

}  // namespace retrust
