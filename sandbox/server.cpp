#include "server.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "http.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

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

Request parsed(const http::Request& message) {
  Request request;
  request.method = message.method;
  const auto& target = message.target;
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
  const std::string authorization(http::value_of(message.fields, "authorization"));
  if (authorization.starts_with("Bearer ")) request.token = authorization.substr(7);
  request.content_type = http::value_of(message.fields, "content-type");
  request.accept = http::value_of(message.fields, "accept");
  request.body = message.body;
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

asio::awaitable<void> notice_end(std::shared_ptr<http::Connection> connection,
                                 std::shared_ptr<Feed> feed) {
  co_await connection->gone();
  feed->client = Feed::Client::gone;
  feed->news.cancel();
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(asio::io_context& context, Store& objects, Hooks given)
      : io(context),
        store(objects),
        hooks(std::move(given)),
        listener(io, [this](auto connection) { return serve(std::move(connection)); }) {}

  asio::awaitable<void> serve(std::shared_ptr<http::Connection> connection) {
    const auto self = shared_from_this();
    for (;;) {
      const auto message = co_await connection->read_request();
      const auto request = parsed(message);
      auto answer = hooks.handle(request);
      if (const auto* watch = std::get_if<Watch>(&answer.result)) {
        hooks.answered(answer.about, message.target, 200);
        co_await stream_watch(connection, request, answer.about, *watch, message.version);
        break;
      }
      auto response = std::get<Response>(std::move(answer.result));
      if (hooks.hostile != nullptr) {
        response = hooks.hostile->answer(request, answer.about, std::move(response));
        co_await held_back(answer.about);
      }
      // Written down first: whoever has the answer can rely on finding it there.
      hooks.answered(answer.about, message.target, response.code);
      co_await respond(connection, response, message);
      if (!message.keep_alive) break;
    }
  }

  asio::awaitable<void> respond(std::shared_ptr<http::Connection> connection,
                                const Response& response, const http::Request& message) {
    http::Response reply;
    reply.code = response.code;
    reply.fields.emplace_back("Content-Type", response.content_type);
    reply.body = response.text.empty() ? boost::json::serialize(response.body) : response.text;
    reply.version = message.version;
    reply.keep_alive = message.keep_alive;
    co_await connection->write(std::move(reply));
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

  asio::awaitable<void> send(std::shared_ptr<http::Connection> connection, const Request& request,
                             const About& about, const std::string& line) {
    std::vector<std::string> lines{line};
    if (hooks.hostile != nullptr) {
      lines = hooks.hostile->lines(request, about, line);
      co_await held_back(about);
    }
    for (auto& each : lines) co_await connection->write_piece(std::move(each));
  }

  asio::awaitable<void> stream_watch(std::shared_ptr<http::Connection> connection,
                                     const Request& request, const About& about, const Watch& watch,
                                     unsigned version) {
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

    http::Response head;
    head.code = 200;
    head.fields.emplace_back("Content-Type", "application/json");
    head.fields.emplace_back("Transfer-Encoding", "chunked");
    head.version = version;
    head.keep_alive = true;
    co_await connection->write_head(std::move(head));
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
        co_await connection->write_piece(std::move(many));
        continue;
      }
      if (feed->client == Feed::Client::gone || watch.then == Watch::Then::ends) break;
      feed->news.expires_at(end);
      co_await feed->news.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (feed->client == Feed::Client::there) co_await connection->write_end();
  }

  asio::io_context& io;
  Store& store;
  Hooks hooks;
  http::Listener listener;
  std::set<asio::steady_timer*> timers;  // of what is held back
};

Server::Server(asio::io_context& io, Store& store, const Authority::Issued& identity, Hooks hooks)
    : state_(std::make_shared<State>(io, store, std::move(hooks))) {
  show(identity);
}

void Server::show(const Authority::Issued& identity) {
  state_->listener.show(identity.certificate_pem, identity.key_pem);
}

Server::~Server() {
  stop();
}

void Server::start() {
  state_->listener.start();
}

void Server::stop() {
  state_->listener.stop();
  for (auto* timer : state_->timers) timer->cancel();
}

unsigned short Server::port() const {
  return state_->listener.port();
}

}  // namespace retrust::sandbox
