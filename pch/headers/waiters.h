// As readers.h, with Asio.
#ifndef PCH_WAITERS_H  // g++ warns of #pragma once in a header that it precompiles
#define PCH_WAITERS_H
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "readers.h"

#endif
