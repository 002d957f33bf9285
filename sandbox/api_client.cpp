#include "api_client.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;

/// A connection with what the kubeconfig says now.
class Connection {
 public:
  Connection(const asio::any_io_executor& executor, const std::filesystem::path& kubeconfig)
      : tls_(asio::ssl::context::tls_client) {
    std::ifstream file(kubeconfig);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto config = json::parse(text);
    const auto server = text_at(config, "/clusters/0/cluster/server");
    port_ = static_cast<unsigned short>(std::stoi(server.substr(server.rfind(':') + 1)));
    token_ = text_at(config, "/users/0/user/token");
    const auto ca = text_at(config, "/clusters/0/cluster/certificate-authority-data");
    tls_.add_certificate_authority(asio::buffer(base64_decode(ca).value_or("")));
    tls_.set_verify_mode(asio::ssl::verify_peer);
    stream_.emplace(executor, tls_);
    stream_->set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
  }

  asio::awaitable<void> send(const ApiClient::Request& request) {
    const tcp::endpoint server(asio::ip::address_v4::loopback(), port_);
    co_await stream_->lowest_layer().async_connect(server, asio::use_awaitable);
    stream_->lowest_layer().set_option(tcp::no_delay(true));
    co_await stream_->async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                             11);
    message.set(http::field::host, "127.0.0.1");
    message.set(http::field::authorization, "Bearer " + token_);
    message.set(http::field::connection, "close");
    if (!request.body.is_null()) {
      message.set(http::field::content_type, request.type);
      message.body() = json::serialize(request.body);
    }
    message.prepare_payload();
    co_await http::async_write(*stream_, message, asio::use_awaitable);
  }

  asio::ssl::stream<tcp::socket>& stream() { return *stream_; }

 private:
  asio::ssl::context tls_;
  std::optional<asio::ssl::stream<tcp::socket>> stream_;
  unsigned short port_ = 0;
  std::string token_;
};

json::value parsed(const std::string& text) {
  boost::system::error_code no_json;
  auto value = json::parse(text, no_json);
  return no_json ? json::value(text) : value;
}

/// Takes the whole lines off the front of a text.
void take_lines(std::string& text, const std::function<void(const json::value&)>& each) {
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const auto event = json::parse(text.substr(begin, end - begin));
    begin = end + 1;
    each(event);
  }
  text.erase(0, begin);
}

}  // namespace

asio::awaitable<ApiClient::Answer> ApiClient::ask(Request request) const {
  Connection connection(co_await asio::this_coro::executor, kubeconfig_);
  co_await connection.send(request);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  co_await http::async_read(connection.stream(), buffer, parser, asio::use_awaitable);
  co_return Answer{parser.get().result_int(), parsed(parser.get().body())};
}

asio::awaitable<void> ApiClient::watch(std::string target,
                                       std::function<void(const json::value&)> each) const {
  Connection connection(co_await asio::this_coro::executor, kubeconfig_);
  const Request request{.method = "GET", .target = std::move(target)};
  co_await connection.send(request);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  co_await http::async_read_header(connection.stream(), buffer, parser, asio::use_awaitable);
  if (parser.get().result() != http::status::ok) {
    throw std::runtime_error(
        fmt::format("a watch was answered with {}", parser.get().result_int()));
  }
  while (!parser.is_done()) {
    co_await http::async_read_some(connection.stream(), buffer, parser, asio::use_awaitable);
    take_lines(parser.get().body(), each);
  }
}

}  // namespace retrust::sandbox
