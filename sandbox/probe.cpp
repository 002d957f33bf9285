#include "probe.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "http.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;

/// Says what Go's TLS says.
std::string handshake_failed(const http::HandshakeError& error) {
  switch (error.verdict) {
    case X509_V_OK:
      return error.code().message();
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "x509: certificate has expired or is not yet valid";
    default:
      return "x509: certificate signed by unknown authority (possibly because of \"x509: "
             "ECDSA verification failure\" while trying to verify candidate authority "
             "certificate \"kube-ca\")";
  }
}

asio::awaitable<std::string> attempt(ProbeRequest request) {
  http::Peer peer;
  peer.port = request.port;
  peer.ca = request.ca_pem;
  peer.name = "10.43.0.1";
  std::shared_ptr<http::Connection> connection;
  try {
    connection = co_await http::connect(std::move(peer));
  } catch (const http::HandshakeError& error) {
    co_return handshake_failed(error);
  } catch (const boost::system::system_error& error) {
    co_return fmt::format("dial tcp 10.43.0.1:443: connect: {}", error.code().message());
  }
  http::Request get;
  get.method = "GET";
  get.target = request.path;
  get.fields.emplace_back("Host", "10.43.0.1");
  get.fields.emplace_back("Authorization", "Bearer " + request.token);
  co_await connection->write(std::move(get));
  const auto answer = co_await connection->read_response();
  if (answer.code == 200) co_return std::string();
  if (answer.code == 401) co_return "Unauthorized";
  co_return fmt::format("the server answered {}", answer.code);
}

}  // namespace

void probe(asio::io_context& io, ProbeRequest request,
           std::function<void(const std::string&)> done) {
  asio::co_spawn(io, attempt(std::move(request)),
                 [done = std::move(done)](std::exception_ptr error, const std::string& result) {
                   if (!error) {
                     done(result);
                     return;
                   }
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& problem) {
                     done(problem.what());
                   }
                 });
}

}  // namespace retrust::sandbox
