#pragma once

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// Rancher's stored credentials of the cluster, followed by the watch of 2.5.

/// Takes a clusters resource of a watch. The token of the Secret that it names is due: see
/// read_due_token.
void take_stored(const Context& context, const boost::json::value& object);

/// Begins the watch, unless the watch runs. The performer of the steps ends the watch.
boost::asio::awaitable<void> watch_stored(Context context);

/// Reads the Secret that the watch named last, if the reading is due. The stored token is unknown
/// before that. Another reading can be due afterwards.
boost::asio::awaitable<void> read_due_token(Context context);

/// Goal of await_cluster. `ready`: the live credentials are stored, and Rancher says that the
/// cluster is ready.
enum class Target { stored, ready };
/// Waits for the target. Returns false after the limit.
boost::asio::awaitable<bool> await_cluster(Context context, Target target);

/// Waits for Rancher to say that the cluster is ready. Throws Failure (gave_up) after the limit.
boost::asio::awaitable<void> await_ready(Context context);

/// The failure of await_ready, from the observation at its end. Pure.
Failure not_ready(const Observation& seen, std::chrono::milliseconds limit);

/// Throws Failure if Rancher no longer has the live credentials stored, because others write there
/// too. Pure.
void check_still_stored(const Observation& seen);

}  // namespace retrust
