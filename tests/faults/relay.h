#pragma once

#include <functional>
#include <string>

namespace retrust::faults {

/// A `kubectl proxy` that is put between retrust and the real one.
struct Relay {
  std::string socket;  ///< of the proxy that retrust asked for
  std::string folder;  ///< where exchanges are counted, and where the real proxy gets its socket
  unsigned at = 0;     ///< the exchange that goes wrong; 0: none
  std::string manner;
};

/// Serves until it is killed. `become_real` becomes the real proxy, with the socket that it gets.
int relay(const Relay& setup, const std::function<void(const std::string&)>& become_real);

}  // namespace retrust::faults
