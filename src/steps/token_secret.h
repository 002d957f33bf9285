#pragma once

#include <chrono>
#include <set>

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// The live account's token secret, for which sections 2.1 and 2.2 wait.

/// Waits until the token controller has filled in a token secret of that account whose uid is not
/// in `doomed`. Returns false after the limit.
boost::asio::awaitable<bool> watch_for_token(Context context, std::chrono::milliseconds limit,
                                             std::set<Uid> doomed = {});

/// Makes a token secret for the live account, and waits until the token controller has filled it
/// in. The secrets that are there already are not seen any more.
boost::asio::awaitable<void> make_account_secret(Context context);

/// Reads all token secrets of the live account, and asks the cluster for its verdict on each token.
boost::asio::awaitable<void> read_tokens_again(Context context);

/// Begins the command of 2.3 and 2.4 once, if a session reads the cluster.
boost::asio::awaitable<void> show_live_secret(Context context);

/// Reads the live token secret for 2.3 and 2.4, unless 2.1 or 2.3 of this run has just read it.
/// Throws Failure if there is none.
boost::asio::awaitable<TokenSecret> read_live_secret(Context context);

}  // namespace retrust
