#pragma once

#include <map>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "mirror.h"
#include "store.h"

namespace retrust::sandbox {

/// Gives every pod of the agents' namespace that has no node the only node, as a scheduler does.
void bind_pods(Mirror& mirror);

/// The tokens that the kubelet of a real cluster gets for pods that mount no secret with one.
class PodTokens {
 public:
  PodTokens(boost::asio::io_context& io, const Mirror& mirror) : io_(io), mirror_(mirror) {}

  /// The pod's; empty until the API server has made it.
  std::string find(const ObjectKey& pod);

 private:
  boost::asio::awaitable<void> request(ObjectKey pod);

  boost::asio::io_context& io_;
  const Mirror& mirror_;
  std::map<ObjectKey, std::string> tokens_;
};

}  // namespace retrust::sandbox
