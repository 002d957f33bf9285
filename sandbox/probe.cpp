#include "probe.h"

#include <chrono>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

/// Go, which Rancher is written in, tries every CA of the right name; OpenSSL only the first.
int has_issued(X509_STORE_CTX*, X509* certificate, X509* issuer) {
  ERR_set_mark();
  const auto issued = X509_check_issued(issuer, certificate) == X509_V_OK &&
                      X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
  ERR_pop_to_mark();
  return issued ? 1 : 0;
}

asio::awaitable<std::string> attempt(ProbeRequest request) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  boost::system::error_code unreadable;
  tls.add_certificate_authority(asio::buffer(request.ca_pem), unreadable);
  tls.set_verify_mode(asio::ssl::verify_peer);
  X509_STORE_set_check_issued(SSL_CTX_get_cert_store(tls.native_handle()), has_issued);
  asio::ssl::stream<tcp::socket> stream(co_await asio::this_coro::executor, tls);
  stream.set_verify_callback(asio::ssl::host_name_verification("10.43.0.1"));
  try {
    const tcp::endpoint server(asio::ip::address_v4::loopback(), request.port);
    co_await stream.lowest_layer().async_connect(server, asio::use_awaitable);
  } catch (const boost::system::system_error& error) {
    co_return fmt::format("dial tcp 10.43.0.1:443: connect: {}", error.code().message());
  }
  try {
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  } catch (const boost::system::system_error& error) {
    switch (SSL_get_verify_result(stream.native_handle())) {
      case X509_V_OK:
        co_return error.code().message();
      case X509_V_ERR_CERT_HAS_EXPIRED:
        co_return "x509: certificate has expired or is not yet valid";
      default:
        co_return "x509: certificate signed by unknown authority (possibly because of \"x509: "
                  "ECDSA verification failure\" while trying to verify candidate authority "
                  "certificate \"kube-ca\")";
    }
  }
  http::request<http::empty_body> get{http::verb::get, request.path, 11};
  get.set(http::field::host, "10.43.0.1");
  get.set(http::field::authorization, "Bearer " + request.token);
  get.set(http::field::connection, "close");
  co_await http::async_write(stream, get, asio::use_awaitable);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> answer;
  co_await http::async_read(stream, buffer, answer, asio::use_awaitable);
  if (answer.result() == http::status::ok) co_return std::string();
  if (answer.result() == http::status::unauthorized) co_return "Unauthorized";
  co_return fmt::format("the server answered {}", answer.result_int());
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
