#include "server.h"

#include <algorithm>
#include <deque>
#include <list>
#include <memory>
#include <set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// One client's connection.
struct Connection {
  Connection(tcp::socket socket, asio::ssl::context& tls) : stream(std::move(socket), tls) {}
  asio::ssl::stream<tcp::socket> stream;
  boost::beast::flat_buffer buffer;
  void close() {
    boost::system::error_code ignored;
    stream.lowest_layer().close(ignored);
  }
};

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      result += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

Request parsed(const http::request<http::string_body>& message) {
  Request request;
  request.method = message.method_string();
  const std::string target(message.target());
  const auto question = target.find('?');
  request.path = decoded(target.substr(0, question));
  if (question != std::string::npos) {
    const auto query = target.substr(question + 1);
    for (std::size_t begin = 0; begin < query.size();) {
      const auto end = std::min(query.find('&', begin), query.size());
      const auto pair = query.substr(begin, end - begin);
      const auto equals = std::min(pair.find('='), pair.size());
      request.query[decoded(pair.substr(0, equals))] =
          decoded(pair.substr(std::min(equals + 1, pair.size())));
      begin = end + 1;
    }
  }
  const std::string authorization(message[http::field::authorization]);
  if (authorization.starts_with("Bearer ")) request.token = authorization.substr(7);
  request.content_type = std::string(message[http::field::content_type]);
  request.accept = std::string(message[http::field::accept]);
  request.body = message.body();
  return request;
}

/// Stops observing a store when it goes out of scope.
class Observation {
 public:
  Observation(Store& store, Store::Observer observer)
      : store_(store), number_(store.observe(std::move(observer))) {}
  ~Observation() { store_.unobserve(number_); }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

 private:
  Store& store_;
  int number_;
};

/// What a watch has to send, shared with the one who notices that the client went away.
struct Feed {
  explicit Feed(const asio::any_io_executor& executor) : news(executor) {}
  asio::steady_timer news;  // cancelled whenever something is new
  std::deque<std::string> lines;
  enum class Client { there, gone } client = Client::there;
};

asio::awaitable<void> notice_end(std::shared_ptr<Connection> connection,
                                 std::shared_ptr<Feed> feed) {
  std::array<char, 64> nothing{};
  boost::system::error_code ended;
  while (!ended) {
    co_await connection->stream.async_read_some(asio::buffer(nothing),
                                                asio::redirect_error(asio::use_awaitable, ended));
  }
  feed->client = Feed::Client::gone;
  feed->news.cancel();
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(asio::io_context& context, Store& objects, Hooks given)
      : io(context),
        store(objects),
        hooks(std::move(given)),
        tls(asio::ssl::context::tls_server),
        acceptor(context) {}

  asio::awaitable<void> accept() {
    boost::system::error_code closed;
    while (!closed) {
      auto socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, closed));
      if (closed) break;
      socket.set_option(tcp::no_delay(true));
      auto connection = std::make_shared<Connection>(std::move(socket), tls);
      connections.push_back(connection);
      asio::co_spawn(io, serve(connection), asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
    const auto self = shared_from_this();
    try {
      co_await connection->stream.async_handshake(asio::ssl::stream_base::server,
                                                  asio::use_awaitable);
      for (;;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(std::uint64_t{16} << 20U);
        co_await http::async_read(connection->stream, connection->buffer, parser,
                                  asio::use_awaitable);
        const auto& message = parser.get();
        const auto request = parsed(message);
        auto answer = hooks.handle(request);
        const std::string path(message.target());
        if (const auto* watch = std::get_if<Watch>(&answer.result)) {
          hooks.answered(answer.about, path, 200);
          co_await stream_watch(connection, request, answer.about, *watch, message.version());
          break;
        }
        auto response = std::get<Response>(std::move(answer.result));
        if (hooks.hostile != nullptr) {
          response = hooks.hostile->answer(request, answer.about, std::move(response));
          co_await held_back(answer.about);
        }
        // Written down first: whoever has the answer can rely on finding it there.
        hooks.answered(answer.about, path, response.code);
        co_await respond(connection, response, message);
        if (!message.keep_alive()) break;
      }
    } catch (const std::exception&) {
      // The client went away, or did not like our certificate, or sent what is no request.
    }
    connection->close();
    std::erase(connections, connection);
  }

  asio::awaitable<void> respond(std::shared_ptr<Connection> connection, const Response& response,
                                const http::request<http::string_body>& message) {
    http::response<http::string_body> reply{static_cast<http::status>(response.code),
                                            message.version()};
    reply.set(http::field::content_type, response.content_type);
    reply.body() = response.text.empty() ? boost::json::serialize(response.body) : response.text;
    reply.keep_alive(message.keep_alive());
    reply.prepare_payload();
    co_await http::async_write(connection->stream, reply, asio::use_awaitable);
  }

  asio::awaitable<void> held_back(const About& about) {
    const auto delay = hooks.hostile->delay(about);
    if (delay.count() == 0) co_return;
    asio::steady_timer timer(io, delay);
    timers.insert(&timer);
    boost::system::error_code ended;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    timers.erase(&timer);
  }

  asio::awaitable<void> send(std::shared_ptr<Connection> connection, const Request& request,
                             const About& about, const std::string& line) {
    std::vector<std::string> lines{line};
    if (hooks.hostile != nullptr) {
      lines = hooks.hostile->lines(request, about, line);
      co_await held_back(about);
    }
    for (const auto& each : lines) {
      co_await asio::async_write(connection->stream, http::make_chunk(asio::buffer(each)),
                                 asio::use_awaitable);
    }
  }

  asio::awaitable<void> stream_watch(std::shared_ptr<Connection> connection, const Request& request,
                                     const About& about, const Watch& watch, unsigned version) {
    const auto feed = std::make_shared<Feed>(io.get_executor());
    const auto limit = hooks.watch_limit();
    const auto end = limit ? Clock::now() + *limit : Clock::time_point::max();
    const auto take = [&watch, feed](const Change& change) {
      if (auto line = watch_line(watch, change)) {
        feed->lines.push_back(std::move(*line));
        feed->news.cancel();
      }
    };
    feed->lines.assign(watch.first.begin(), watch.first.end());
    if (watch.then == Watch::Then::goes_on) {
      for (const auto& change : store.since(watch.since)) take(change);
    }
    const Observation observation(store, take);

    http::response<http::empty_body> head{http::status::ok, version};
    head.set(http::field::content_type, "application/json");
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer{head};
    co_await http::async_write_header(connection->stream, serializer, asio::use_awaitable);
    asio::co_spawn(io, notice_end(connection, feed), asio::detached);
    boost::system::error_code woken;
    while (feed->client == Feed::Client::there && Clock::now() < end) {
      while (!feed->lines.empty()) {
        const auto line = std::move(feed->lines.front());
        feed->lines.pop_front();
        co_await send(connection, request, about, line);
      }
      if (hooks.hostile != nullptr && hooks.hostile->floods(about)) {
        // Many at once, as one at a time is no flood.
        constexpr std::size_t enough = std::size_t{256} << 10U;
        std::string many;
        while (many.size() < enough) many += hooks.hostile->flood_line(about);
        co_await asio::async_write(connection->stream, http::make_chunk(asio::buffer(many)),
                                   asio::use_awaitable);
        continue;
      }
      if (feed->client == Feed::Client::gone || watch.then == Watch::Then::ends) break;
      feed->news.expires_at(end);
      co_await feed->news.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (feed->client == Feed::Client::there) {
      co_await asio::async_write(connection->stream, http::make_chunk_last(), asio::use_awaitable);
    }
  }

  asio::io_context& io;
  Store& store;
  Hooks hooks;
  asio::ssl::context tls;
  tcp::acceptor acceptor;
  tcp::endpoint endpoint{asio::ip::address_v4::loopback(), 0};
  std::list<std::shared_ptr<Connection>> connections;
  std::set<asio::steady_timer*> timers;  // of what is held back
};

Server::Server(asio::io_context& io, Store& store, const Authority::Issued& identity, Hooks hooks)
    : state_(std::make_shared<State>(io, store, std::move(hooks))) {
  show(identity);
}

void Server::show(const Authority::Issued& identity) {
  state_->tls.use_certificate(asio::buffer(identity.certificate_pem), asio::ssl::context::pem);
  state_->tls.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
}

Server::~Server() {
  stop();
}

void Server::start() {
  auto& acceptor = state_->acceptor;
  acceptor.open(state_->endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind(state_->endpoint);
  acceptor.listen();
  state_->endpoint = acceptor.local_endpoint();
  asio::co_spawn(
      state_->io, [state = state_] { return state->accept(); }, asio::detached);
}

void Server::stop() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  for (const auto& connection : state_->connections) connection->close();
  for (auto* timer : state_->timers) timer->cancel();
}

unsigned short Server::port() const {
  return state_->endpoint.port();
}

}  // namespace retrust::sandbox
