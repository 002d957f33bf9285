#pragma once

#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

namespace retrust::sandbox {

/// A GET over TLS as Rancher's server does it: the address, CA and token are what it has stored.
struct ProbeRequest {
  unsigned short port = 0;  ///< on 127.0.0.1, where 10.43.0.1:443 leads to
  std::string ca_pem;
  std::string token;
  std::string path;
};

/// Connects for real, and tells what came of it: empty where the answer was 200, else the error in
/// the words of Go's TLS and HTTP clients, which Rancher passes on.
void probe(boost::asio::io_context& io, ProbeRequest request,
           std::function<void(const std::string& error)> done);

}  // namespace retrust::sandbox
