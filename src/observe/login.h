#pragma once

#include <cstddef>
#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/advice.h"
#include "observe/observe.h"

namespace retrust {

/// Whether the login of a kubeconfig's user asks a person.
enum class Login {
  silent,       ///< it never asks
  may_ask,      ///< its plugin may ask on a terminal
  always_asks,  ///< its plugin does not work without a terminal
};

/// The login of the user of `kubectl config view --minify`. Pure.
Login login_of(const boost::json::value& view);

/// Advice if such a login failed without a terminal; empty if the login never asks.
Advice login_advice(const boost::json::value& view, const Kubectl& kubectl);

/// The failure of a kubectl, with advice if its login plugin may have asked in vain. Other failures
/// stay as they are.
std::exception_ptr with_login_advice(std::exception_ptr end, const boost::json::value& view,
                                     const Kubectl& kubectl);

/// The least number of logins of a command in each cluster.
struct Logins {
  std::size_t downstream = 1;
  std::size_t local = 1;
};

/// Logs in to each cluster whose login plugin may ask, one after the other, on the terminal. The
/// terminal must be ours to lend (see can_lend_terminal). Throws as Kubectl::log_in does; `follow`
/// are the logins that follow.
boost::asio::awaitable<void> log_in(const Clusters& clusters, Logins follow, Journal journal);
/// The same for one cluster.
boost::asio::awaitable<void> log_in(Kubectl kubectl, Redactor& redactor, std::size_t follow,
                                    Journal journal);

}  // namespace retrust
