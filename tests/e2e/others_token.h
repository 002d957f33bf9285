#pragma once

#include <string>

#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {

/// The token secret that the agents' account lists first.
inline std::string name_of_token(Sandbox& sandbox) {
  return text(sandbox.get("downstream", {"-n", "cattle-system", "serviceaccount", "cattle"}),
              "/secrets/0/name");
}

/// What somebody else does: deletes the token secret, and waits for the one that follows.
inline void replace_token(Sandbox& sandbox) {
  const auto old = name_of_token(sandbox);
  REQUIRE(sandbox.kubectl("downstream", {"-n", "cattle-system", "delete", "secret", old}).status ==
          0);
  wait_until("another token", [&] {
    const auto now = name_of_token(sandbox);
    return !now.empty() && now != old;
  });
}

}  // namespace retrust::e2e
