#include "http.h"

#include <array>
#include <cstdint>
#include <list>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace retrust::sandbox::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using RequestParser = beast::http::request_parser<beast::http::string_body>;
using ResponseParser = beast::http::response_parser<beast::http::string_body>;

constexpr std::uint64_t largest_request = std::uint64_t{16} << 20U;

/// Go, which Rancher is written in, tries every CA of the right name; OpenSSL only the first.
int has_issued(X509_STORE_CTX*, X509* certificate, X509* issuer) {
  ERR_set_mark();
  const auto issued = X509_check_issued(issuer, certificate) == X509_V_OK &&
                      X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
  ERR_pop_to_mark();
  return issued ? 1 : 0;
}

asio::ssl::context trusting(const std::string& ca) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  error_code unreadable;
  tls.add_certificate_authority(asio::buffer(ca), unreadable);
  tls.set_verify_mode(asio::ssl::verify_peer);
  X509_STORE_set_check_issued(SSL_CTX_get_cert_store(tls.native_handle()), has_issued);
  return tls;
}

Fields fields_of(const beast::http::fields& given) {
  Fields fields;
  for (const auto& field : given) fields.emplace_back(field.name_string(), field.value());
  return fields;
}

/// Head of a message; `connection` and the length of the body are the writer's own.
std::string head_of(std::string_view first_line, const Fields& fields, bool keep_alive) {
  std::string text(first_line);
  text += "\r\n";
  for (const auto& [name, value] : fields) {
    if (!is(name, "connection")) text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!keep_alive) text += "Connection: close\r\n";
  return text;
}

std::string status_line(const Response& response) {
  return fmt::format(
      "HTTP/{}.{} {} {}", response.version / 10, response.version % 10, response.code,
      std::string_view(
          beast::http::obsolete_reason(static_cast<beast::http::status>(response.code))));
}

bool is_chunked(const Fields& fields) {
  return is(value_of(fields, "transfer-encoding"), "chunked");
}

std::string with_length(std::string head, const std::string& body) {
  return fmt::format("{}Content-Length: {}\r\n\r\n{}", head, body.size(), body);
}

}  // namespace

bool is(std::string_view name, std::string_view other) {
  return beast::iequals(name, other);
}

std::string_view value_of(const Fields& fields, std::string_view name) {
  for (const auto& [each, value] : fields) {
    if (is(each, name)) return value;
  }
  return {};
}

struct Connection::State {
  State(tcp::socket socket, asio::ssl::context& tls) : stream(std::move(socket), tls) {}

  /// Hands the parser what has been received, or receives more.
  template <typename Parser>
  asio::awaitable<void> feed(Parser& parser) {
    error_code error;
    const auto taken = parser.put(asio::const_buffer(received.data(), received.size()), error);
    received.erase(0, taken);
    if (error && error != beast::http::error::need_more) throw boost::system::system_error(error);
    if (taken > 0) co_return;
    const auto size = co_await stream.async_read_some(
        asio::buffer(block), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof && parser.got_some()) {
      error = {};
      parser.put_eof(error);
    }
    if (error) throw boost::system::system_error(error);
    received.append(block.data(), size);
  }

  asio::awaitable<void> send(std::string text) {
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
  }

  asio::ssl::stream<tcp::socket> stream;
  std::array<char, std::size_t{16} << 10U> block{};
  std::string received;
  std::optional<ResponseParser> response;                 // whose body is being read
  enum class Body { plain, chunked } body = Body::plain;  // that is being written
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}

Connection::~Connection() = default;

asio::awaitable<Request> Connection::read_request() {
  RequestParser parser;
  parser.eager(true);
  parser.body_limit(largest_request);
  while (!parser.is_done()) co_await state_->feed(parser);
  auto& message = parser.get();
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  request.fields = fields_of(message);
  request.body = std::move(message.body());
  request.version = message.version();
  request.keep_alive = message.keep_alive();
  co_return request;
}

asio::awaitable<Response> Connection::read_head() {
  auto& parser = state_->response.emplace();
  parser.eager(true);
  parser.body_limit(boost::none);
  while (!parser.is_header_done()) co_await state_->feed(parser);
  const auto& message = parser.get();
  Response response;
  response.code = message.result_int();
  response.fields = fields_of(message);
  response.version = message.version();
  response.keep_alive = message.keep_alive();
  co_return response;
}

asio::awaitable<std::optional<std::string>> Connection::read_piece() {
  auto& parser = *state_->response;
  auto& body = parser.get().body();
  while (body.empty() && !parser.is_done()) co_await state_->feed(parser);
  std::optional<std::string> piece;
  if (!body.empty()) piece = std::exchange(body, {});
  co_return piece;
}

asio::awaitable<Response> Connection::read_response() {
  auto response = co_await read_head();
  for (;;) {
    const auto piece = co_await read_piece();
    if (!piece) break;
    response.body += *piece;
  }
  co_return response;
}

asio::awaitable<void> Connection::write(Request request) {
  const auto line = fmt::format("{} {} HTTP/1.1", request.method, request.target);
  std::erase_if(request.fields, [](const auto& field) {
    return is(field.first, "content-length") || is(field.first, "transfer-encoding");
  });
  auto text = head_of(line, request.fields, request.keep_alive);
  if (request.body.empty() && request.method == "GET") {
    text += "\r\n";
  } else {
    text = with_length(std::move(text), request.body);
  }
  co_await state_->send(std::move(text));
}

asio::awaitable<void> Connection::write(Response response) {
  auto text = head_of(status_line(response), response.fields, response.keep_alive);
  text = with_length(std::move(text), response.body);
  co_await state_->send(std::move(text));
}

asio::awaitable<void> Connection::write_head(Response response) {
  state_->body = is_chunked(response.fields) ? State::Body::chunked : State::Body::plain;
  auto text = head_of(status_line(response), response.fields, response.keep_alive) + "\r\n";
  co_await state_->send(std::move(text));
}

asio::awaitable<void> Connection::write_piece(std::string piece) {
  if (state_->body == State::Body::chunked)
    piece = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  co_await state_->send(std::move(piece));
}

asio::awaitable<void> Connection::write_end() {
  if (state_->body == State::Body::chunked) co_await state_->send("0\r\n\r\n");
}

asio::awaitable<void> Connection::gone() {
  error_code ended;
  while (!ended) {
    co_await state_->stream.async_read_some(asio::buffer(state_->block),
                                            asio::redirect_error(asio::use_awaitable, ended));
  }
}

void Connection::close() {
  error_code ignored;
  state_->stream.lowest_layer().close(ignored);
}

struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(asio::io_context& context, Serve given)
      : io(context), serve(std::move(given)), acceptor(context), keeper(context) {}

  void bind(tcp::acceptor& socket) const {
    socket.open(endpoint.protocol());
    socket.set_option(tcp::acceptor::reuse_address(true));
    socket.bind(endpoint);
  }

  void close() {
    error_code ignored;
    acceptor.close(ignored);
    for (const auto& connection : connections) connection->close();
  }

  asio::awaitable<void> accept() {
    error_code closed;
    while (!closed) {
      auto socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, closed));
      if (closed) break;
      socket.set_option(tcp::no_delay(true));
      auto state = std::make_unique<Connection::State>(std::move(socket), tls);
      auto connection = std::make_shared<Connection>(std::move(state));
      connections.push_back(connection);
      asio::co_spawn(
          io, [self = shared_from_this(), connection] { return self->handle(connection); },
          asio::detached);
    }
  }

  asio::awaitable<void> handle(std::shared_ptr<Connection> connection) {
    try {
      auto& stream = connection->state_->stream;
      co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
      // Otherwise stopped meanwhile: whoever would serve may be no more.
      if (stream.lowest_layer().is_open()) co_await serve(connection);
    } catch (const std::exception&) {
      // The client went away, or did not like our certificate, or sent what is no request.
    }
    connection->close();
    std::erase(connections, connection);
  }

  asio::io_context& io;
  Serve serve;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor;
  tcp::acceptor keeper;  ///< has the port while nobody listens there
  tcp::endpoint endpoint{asio::ip::address_v4::loopback(), 0};
  std::list<std::shared_ptr<Connection>> connections;
};

Listener::Listener(asio::io_context& io, Serve serve)
    : state_(std::make_shared<State>(io, std::move(serve))) {}

Listener::~Listener() {
  state_->close();
}

void Listener::show(const std::string& certificate, const std::string& key) {
  state_->tls.use_certificate_chain(asio::buffer(certificate));
  state_->tls.use_private_key(asio::buffer(key), asio::ssl::context::pem);
}

void Listener::start() {
  auto& acceptor = state_->acceptor;
  error_code ignored;
  state_->keeper.close(ignored);
  state_->bind(acceptor);
  acceptor.listen();
  state_->endpoint = acceptor.local_endpoint();
  asio::co_spawn(
      state_->io, [state = state_] { return state->accept(); }, asio::detached);
}

void Listener::stop() {
  state_->close();
  if (state_->keeper.is_open()) return;
  // Otherwise the system may give the port to somebody else, whose answers would pass for ours. It
  // shares a port among sockets that all allow it, so this one allows it no longer.
  state_->bind(state_->keeper);
  state_->keeper.set_option(tcp::acceptor::reuse_address(false));
}

unsigned short Listener::port() const {
  return state_->endpoint.port();
}

asio::awaitable<std::shared_ptr<Connection>> connect(Peer peer) {
  const auto executor = co_await asio::this_coro::executor;
  auto tls = trusting(peer.ca);
  tcp::socket socket(executor);
  const tcp::endpoint server(asio::ip::make_address(peer.address), peer.port);
  co_await socket.async_connect(server, asio::use_awaitable);
  socket.set_option(tcp::no_delay(true));
  auto state = std::make_unique<Connection::State>(std::move(socket), tls);
  auto& stream = state->stream;
  stream.set_verify_callback(asio::ssl::host_name_verification(peer.name));
  error_code failed;
  co_await stream.async_handshake(asio::ssl::stream_base::client,
                                  asio::redirect_error(asio::use_awaitable, failed));
  if (failed) throw HandshakeError(failed, SSL_get_verify_result(stream.native_handle()));
  co_return std::make_shared<Connection>(std::move(state));
}

}  // namespace retrust::sandbox::http
