#pragma once

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// Credentials on trial: whether the downstream cluster is reached with them.

/// Tries the live token and CA, as what is written by hand is tried before. Throws Failure where
/// they are not good for Rancher.
boost::asio::awaitable<void> try_live(Context context);

/// The same beforehand: what is wrong with them is said where they are needed.
boost::asio::awaitable<void> try_live_early(Context context);

/// Tries what Rancher has stored, and tells the proof. Throws Failure where it does not reach the
/// cluster.
boost::asio::awaitable<void> prove(Context context);

/// Throws Failure (refused) where the token says itself that it is of another account than the
/// agents' in that namespace: it is not stored in Rancher. Pure.
void check_token_owner(const TokenSecret& secret, const PlanOptions& options);

}  // namespace retrust
