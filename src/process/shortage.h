#pragma once

#include <boost/asio/awaitable.hpp>

#include "process/outcome.h"

namespace retrust {

/// Decides what becomes of a child that cannot be started because this machine lacks a descriptor,
/// a process or memory for it.
class Shortage {
 public:
  Shortage() = default;
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;
  virtual ~Shortage() = default;

  /// Waits for a while. Returns true if the start is to be tried again.
  virtual boost::asio::awaitable<bool> tries_again(const Outcome& lacking) = 0;
  /// Called when a child was started after tries_again().
  virtual void over() = 0;
};

}  // namespace retrust
