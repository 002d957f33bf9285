#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "children.h"
#include "tools/http.h"

namespace retrust::test {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using Ending = HttpAnswer::Ending;
using std::chrono::milliseconds;

constexpr HttpLimits a_while{std::chrono::seconds{30}, std::chrono::seconds{30}};

enum class After { close, wait, flood };

/// Answers each request of one connection with the bytes that it was given.
class Server {
 public:
  Server(asio::io_context& io, const std::string& path, std::string bytes, After after)
      : acceptor_(io, stream_protocol::endpoint(path)),
        socket_(io),
        bytes_(std::move(bytes)),
        after_(after) {
    asio::co_spawn(io, serve(), [this](const std::exception_ptr&) {
      error_code ignored;
      acceptor_.close(ignored);
    });
  }

  const std::string& asked() const { return asked_; }
  /// Whether the client closed the connection by itself.
  bool left() const { return left_; }

 private:
  asio::awaitable<void> serve() {
    co_await acceptor_.async_accept(socket_, asio::use_awaitable);
    co_await read("\r\n\r\n");
    error_code gone;
    co_await asio::async_write(socket_, asio::buffer(bytes_),
                               asio::redirect_error(asio::use_awaitable, gone));
    const std::string many(std::size_t{64} << 10U, 'x');
    const auto chunk = fmt::format("{:x}\r\n{}\r\n", many.size(), many);
    while (after_ == After::flood && !gone) {
      co_await asio::async_write(socket_, asio::buffer(chunk),
                                 asio::redirect_error(asio::use_awaitable, gone));
    }
    while (after_ == After::wait && !gone) co_await read_some(gone);
    left_ = static_cast<bool>(gone);
    if (after_ == After::close) co_await read_rest();
    socket_.close(gone);
  }

  asio::awaitable<void> read(std::string_view until) {
    error_code gone;
    while (!gone && asked_.find(until) == std::string::npos) co_await read_some(gone);
  }

  /// What is unread when a socket closes resets the connection.
  asio::awaitable<void> read_rest() {
    socket_.non_blocking(true);
    error_code none;
    std::array<char, 4096> buffer{};
    while (!none) {
      const auto size = socket_.read_some(asio::buffer(buffer), none);
      asked_.append(buffer.data(), size);
    }
    co_return;
  }

  asio::awaitable<void> read_some(error_code& gone) {
    std::array<char, 4096> buffer{};
    const auto size = co_await socket_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
    asked_.append(buffer.data(), size);
  }

  stream_protocol::acceptor acceptor_;
  stream_protocol::socket socket_;
  std::string bytes_;
  After after_;
  std::string asked_;
  bool left_ = false;
};

/// One request, and what became of it.
struct Exchange {
  HttpAnswer answer;
  std::string body;
  std::string asked;
  bool left = false;
};

struct Asking {
  HttpRequest request{"/version"};
  OutputReader reader = {};
  HttpLimits limits = a_while;
  After after = After::close;
};

Exchange exchange(std::string bytes, Asking asking = {}) {
  const Folder folder;
  asio::io_context io;
  const auto path = folder.path("s");
  Server server(io, path, std::move(bytes), asking.after);
  Exchange seen;
  const auto collect = [&](std::string_view piece) {
    seen.body += piece;
    return Flow::go_on;
  };
  std::exception_ptr failure;
  asio::co_spawn(
      io, http_ask(path, asking.request, asking.reader ? asking.reader : collect, asking.limits),
      [&](std::exception_ptr error, HttpAnswer answer) {
        failure = error;
        seen.answer = std::move(answer);
      });
  io.run();
  if (failure) std::rethrow_exception(failure);
  seen.asked = server.asked();
  seen.left = server.left();
  return seen;
}

TEST_CASE("http: a body comes as it is sent, by its length or in chunks") {
  const auto whole = exchange("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{\"a\"");
  CHECK(whole.answer.succeeded());
  CHECK(whole.body == "{\"a\"");
  CHECK(whole.asked.starts_with("GET /version HTTP/1.1\r\nHost: localhost\r\n"));
  const auto chunks = exchange(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  CHECK(chunks.answer.succeeded());
  CHECK(chunks.body == "abcde");
  // Without either the end of the connection is the end of the body.
  CHECK(exchange("HTTP/1.0 200 OK\r\n\r\nabc").body == "abc");
}

TEST_CASE("http: a body to send makes it a POST") {
  const auto seen = exchange("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
                             {.request = {"/apis/x", "{\"kind\":\"TokenReview\"}"}});
  CHECK(seen.answer.status == 201);
  CHECK(seen.asked.starts_with("POST /apis/x HTTP/1.1\r\n"));
  CHECK(seen.asked.find("\r\nContent-Length: 22\r\n") != std::string::npos);
  CHECK(seen.asked.ends_with("\r\n\r\n{\"kind\":\"TokenReview\"}"));
}

TEST_CASE("http: what a refusal says is kept apart from answers, and short") {
  const auto refused = exchange(
      "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 5\r\n\r\nlater");
  CHECK(refused.answer.ending == Ending::answered);
  CHECK_FALSE(refused.answer.succeeded());
  CHECK(refused.answer.status == 429);
  CHECK(refused.answer.retry_after == std::chrono::seconds{3});
  CHECK(refused.answer.refusal == "later");
  CHECK(refused.body.empty());
  const auto endless =
      exchange("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n", {.after = After::flood});
  CHECK(endless.answer.ending == Ending::too_much);
  CHECK(endless.answer.refusal.size() == std::size_t{64} << 10U);
  CHECK_FALSE(exchange("HTTP/1.1 429 X\r\nRetry-After: never\r\nContent-Length: 0\r\n\r\n")
                  .answer.retry_after);
}

TEST_CASE("http: headers and the headers of chunks have a limit") {
  const std::string much(std::size_t{20} << 10U, 'x');
  CHECK(exchange("HTTP/1.1 200 OK\r\nX: " + much + "\r\n\r\n").answer.ending == Ending::too_much);
  std::string many = "HTTP/1.1 200 OK\r\n";
  while (many.size() < much.size()) many += "X: y\r\n";
  CHECK(exchange(many, {.after = After::wait}).answer.ending == Ending::too_much);
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto endless = exchange(chunked + "1;" + much + much + much + much, {.after = After::wait});
  CHECK(endless.answer.ending == Ending::too_much);
  CHECK(exchange(chunked + "nonsense\r\n").answer.ending == Ending::broken);
  CHECK(exchange("garbage\r\n\r\n").answer.ending == Ending::broken);
}

TEST_CASE("http: an answer that ends early is broken, not short") {
  CHECK(exchange("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").answer.ending ==
        Ending::broken);
  CHECK(
      exchange("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").answer.ending ==
      Ending::broken);
  CHECK(exchange("").answer.ending == Ending::broken);
}

TEST_CASE("http: the reader ends an answer, which closes the connection") {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  const auto stopped = exchange(
      chunked, {.reader = [](std::string_view) { return Flow::stop; }, .after = After::wait});
  CHECK(stopped.answer.ending == Ending::stopped);
  CHECK(stopped.left);
  std::size_t size = 0;
  const auto reader = [&](std::string_view piece) {
    size += piece.size();
    return size > std::size_t{1} << 20U ? Flow::too_much : Flow::go_on;
  };
  const auto flooded = exchange(chunked, {.reader = reader, .after = After::flood});
  CHECK(flooded.answer.ending == Ending::too_much);
  CHECK(flooded.left);
  const auto throws = [](std::string_view) -> Flow { throw std::length_error("x"); };
  CHECK_THROWS_AS(exchange(chunked, {.reader = throws, .after = After::wait}), std::length_error);
}

TEST_CASE("http: a deadline covers the whole exchange") {
  const Asking silent{.limits = {milliseconds{20}, milliseconds{20}}, .after = After::wait};
  CHECK(exchange("", silent).answer.ending == Ending::timed_out);
  CHECK(exchange("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", silent).answer.ending ==
        Ending::timed_out);
}

TEST_CASE("http: a silence ends an answer, before it begins and in the middle") {
  Asking asking{.limits = {std::chrono::seconds{30}, milliseconds{20}}, .after = After::wait};
  const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
  CHECK(exchange("", asking).answer.ending == Ending::silent);
  CHECK(exchange("H", asking).answer.ending == Ending::silent);
  CHECK(exchange(half, asking).answer.ending == Ending::silent);
  asking.limits = {milliseconds{500}, milliseconds{400}, Pauses::any};
  CHECK(exchange("", asking).answer.ending == Ending::silent);
  CHECK(exchange(half, asking).answer.ending == Ending::timed_out);
}

TEST_CASE("http: nobody at the socket") {
  asio::io_context io;
  HttpAnswer got;
  asio::co_spawn(io, http_ask("/nonexistent/s", {"/"}, {}, a_while),
                 [&](const std::exception_ptr&, HttpAnswer answer) { got = std::move(answer); });
  io.run();
  CHECK(got.ending == Ending::not_connected);
  CHECK(got.why == "No such file or directory");
}

TEST_CASE("http: a request that is cancelled closes its connection") {
  const Folder folder;
  asio::io_context io;
  const auto path = folder.path("s");
  Server server(io, path, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", After::wait);
  asio::cancellation_signal signal;
  std::exception_ptr failure;
  const auto reader = [&](std::string_view) {
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    return Flow::go_on;
  };
  asio::co_spawn(
      io, http_ask(path, {"/"}, reader, a_while),
      asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error, const HttpAnswer&) {
        failure = std::move(error);
      }));
  io.run();
  CHECK_THROWS_AS(std::rethrow_exception(failure), boost::system::system_error);
  CHECK(server.left());
}

}  // namespace
}  // namespace retrust::test
