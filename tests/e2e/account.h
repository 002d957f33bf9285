#pragma once

#include <fstream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {

/// Deletes the agents' account and makes it again: the stored token then proves nothing.
inline void renew_account(Sandbox& sandbox) {
  auto account = sandbox.get("downstream", {"serviceaccount", "-n", "cattle-system", "cattle"});
  CHECK(sandbox.kubectl("downstream", {"delete", "serviceaccount", "-n", "cattle-system", "cattle"})
            .status == 0);
  auto& metadata = account.at("metadata").as_object();
  for (const auto* field : {"uid", "resourceVersion", "creationTimestamp"}) metadata.erase(field);
  const auto path = sandbox.directory() / "account.json";
  std::ofstream(path) << boost::json::serialize(account);
  CHECK(sandbox.kubectl("downstream", {"create", "--validate=false", "-f", path.string()}).status ==
        0);
}

}  // namespace retrust::e2e
