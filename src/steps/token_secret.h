#pragma once

#include <chrono>
#include <set>

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// The agents' token secret, for which sections 2.1 and 2.2 wait.

/// Waits until the token controller has filled in a token secret of cattle that is none of those
/// uids; false where the time is over.
boost::asio::awaitable<bool> watch_for_token(Context context, std::chrono::milliseconds limit,
                                             std::set<Uid> doomed = {});

/// Makes a token secret for the account cattle, and waits until it is filled in.
boost::asio::awaitable<void> make_token(Context context);

/// Reads all token secrets of cattle, and asks the cluster what it says of them.
boost::asio::awaitable<void> read_tokens_again(Context context);

/// The token secret that 2.3 and 2.4 are about: reads it, unless this run has just seen it. Throws
/// Failure where there is none.
boost::asio::awaitable<TokenSecret> read_live_secret(Context context);

}  // namespace retrust
