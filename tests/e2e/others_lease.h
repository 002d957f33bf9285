#pragma once

#include <chrono>
#include <ctime>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {

/// A holder of a Lease, on another machine.
inline const std::string others = "ada@elsewhere; process 4711; retrust-x; abcdefabcdef.1";

inline std::string micro_time(std::chrono::seconds ago) {
  const auto then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - ago);
  std::string text(sizeof("2026-01-10T08:00:00.000000Z"), '\0');
  text.resize(std::strftime(text.data(), text.size(), "%FT%T.000000Z", std::gmtime(&then)));
  return text;
}

/// The Lease of a cluster with that ID.
inline boost::json::object lease(const std::string& holder, std::chrono::seconds renewed_ago,
                                 const std::string& cluster = "c-x7k2p") {
  boost::json::object spec;
  spec["holderIdentity"] = holder;
  spec["leaseDurationSeconds"] = 300;
  spec["acquireTime"] = "2026-01-10T08:00:00.000000Z";
  spec["renewTime"] = micro_time(renewed_ago);
  boost::json::object metadata;
  metadata["name"] = "retrust";
  metadata["namespace"] = cluster;
  boost::json::object object;
  object["apiVersion"] = "coordination.k8s.io/v1";
  object["kind"] = "Lease";
  object["metadata"] = std::move(metadata);
  object["spec"] = std::move(spec);
  return object;
}

/// Creates it in Rancher's own cluster.
inline void create(Sandbox& sandbox, const boost::json::object& object) {
  const auto file = sandbox.directory() / "lease.json";
  write_file(file, boost::json::serialize(object));
  REQUIRE(sandbox.kubectl("local", {"create", "--validate=false", "-f", file.string()}).status ==
          0);
}

}  // namespace retrust::e2e
