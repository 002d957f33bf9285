#pragma once

#include <boost/asio/awaitable.hpp>

#include "steps/context.h"

namespace retrust {

/// Trials of credentials at the downstream cluster.

/// Tries the live token and CA before retrust writes them into Rancher. Throws Failure if they are
/// not good for Rancher.
boost::asio::awaitable<void> try_live(Context context);

/// Tries the live token and CA ahead of their use, and ignores failures: the later trial reports
/// them.
boost::asio::awaitable<void> try_live_early(Context context);

/// Tries Rancher's stored credentials, and records the proof. Throws Failure if they do not reach
/// the cluster.
boost::asio::awaitable<void> prove(Context context);

/// Checks that the token's claims name that service account in the agents' namespace. Throws
/// Failure (refused) otherwise: retrust does not store such a token in Rancher. Pure.
void check_token_owner(const TokenSecret& secret, const ObjectName& account,
                       const PlanOptions& options);

}  // namespace retrust
