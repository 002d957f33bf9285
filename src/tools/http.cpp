#include "tools/http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace retrust {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::local::stream_protocol;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Ending = HttpAnswer::Ending;

constexpr std::uint32_t most_header = std::uint32_t{16} << 10U;
constexpr std::size_t most_refusal = std::size_t{64} << 10U;
/// Limit in bytes of a body's single piece, and of a chunk's header.
constexpr std::size_t most_at_once = std::size_t{64} << 10U;
static_assert(most_at_once > most_header);

/// Parses an answer and hands its body on.
class AnswerParser final : public http::basic_parser<false> {
 public:
  AnswerParser(HttpAnswer& answer, OutputReader& reader) : answer_(answer), reader_(reader) {
    header_limit(most_header);
    body_limit(boost::none);  // the reader bounds it
    eager(true);
  }

  Flow flow() const { return flow_; }
  const std::exception_ptr& failure() const { return failure_; }

 private:
  using Text = boost::beast::string_view;

  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int code, Text, int, error_code& wrong) override {
    wrong = {};
    answer_.status = code;
  }
  void on_field_impl(http::field name, Text, Text value, error_code& wrong) override {
    wrong = {};
    if (name != http::field::retry_after) return;
    // A date instead of seconds is not used by API servers.
    std::uint32_t seconds = 0;
    const auto end = value.data() + value.size();
    const auto [read, error] = std::from_chars(value.data(), end, seconds);
    if (error == std::errc() && read == end) answer_.retry_after = std::chrono::seconds(seconds);
  }
  void on_header_impl(error_code& wrong) override { wrong = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& wrong) override {
    wrong = {};
  }
  std::size_t on_body_impl(Text piece, error_code& wrong) override { return take(piece, wrong); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code& wrong) override { wrong = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, Text piece, error_code& wrong) override {
    return take(piece, wrong);
  }
  void on_finish_impl(error_code& wrong) override { wrong = {}; }

  std::size_t take(Text piece, error_code& wrong) {
    wrong = {};
    if (answer_.status / 100 != 2) {
      const auto room = most_refusal - answer_.refusal.size();
      answer_.refusal.append(piece.data(), std::min(room, piece.size()));
      if (piece.size() > room) flow_ = Flow::too_much;
    } else if (reader_) {
      try {
        flow_ = reader_({piece.data(), piece.size()});
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    if (failure_ || flow_ != Flow::go_on) wrong = asio::error::operation_aborted;
    return piece.size();
  }

  HttpAnswer& answer_;
  OutputReader& reader_;
  Flow flow_ = Flow::go_on;
  std::exception_ptr failure_;
};

/// A connection that ends at its limits.
struct Connection : std::enable_shared_from_this<Connection> {
  Connection(const asio::any_io_executor& executor, HttpLimits given)
      : socket(executor), timer(executor), limits(given) {}
  stream_protocol::socket socket;
  asio::steady_timer timer;
  HttpLimits limits;
  Clock::time_point started = Clock::now();
  std::optional<Ending> over;  ///< the limit that ended the connection

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  void end_at(Clock::time_point limit, Ending why) {
    timer.expires_at(limit);
    timer.async_wait([self = shared_from_this(), why](error_code cancelled) {
      // Bytes may have come at the last moment.
      if (cancelled || Clock::now() < self->timer.expiry()) return;
      self->over = why;
      self->close();
    });
  }

  void await_first_bytes() { await_bytes(started + limits.silence); }

  void await_more_bytes() {
    await_bytes(limits.pauses == Pauses::any ? Clock::time_point::max()
                                             : Clock::now() + limits.silence);
  }

 private:
  void await_bytes(Clock::time_point silence) {
    const auto whole = started + limits.whole;
    end_at(std::min(silence, whole), silence < whole ? Ending::silent : Ending::timed_out);
  }
};

/// Closes the connection on every way out. The timer may still hold the object.
class Closing {
 public:
  explicit Closing(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~Closing() {
    connection_->timer.cancel();
    connection_->close();
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  std::shared_ptr<Connection> connection_;
};

std::string request_text(const HttpRequest& request) {
  const auto ends_line = [](char character) { return character <= ' ' || character > '~'; };
  if (std::any_of(request.target.begin(), request.target.end(), ends_line)) {
    throw std::logic_error("a request for what is no path");
  }
  auto text = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n",
      request.body.empty() ? "GET" : "POST", request.target);
  if (!request.body.empty()) {
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n",
                        request.body.size());
  }
  return text + "\r\n" + request.body;
}

/// Feeds the read bytes to the parser. Moves unused bytes to the front of the buffer, for the next
/// call.
error_code feed(AnswerParser& parser, std::array<char, most_at_once>& buffer, std::size_t& size) {
  error_code wrong;
  std::size_t used = 0;
  while (used < size && !parser.is_done() && !wrong) {
    const auto taken = parser.put(asio::buffer(buffer.data() + used, size - used), wrong);
    used += taken;
    // Taking nothing means that the parser needs more bytes at once.
    if (wrong == http::error::need_more && taken > 0 && used < size) wrong = {};
  }
  std::move(buffer.begin() + static_cast<std::ptrdiff_t>(used),
            buffer.begin() + static_cast<std::ptrdiff_t>(size), buffer.begin());
  size -= used;
  return wrong == http::error::need_more ? error_code() : wrong;
}

asio::awaitable<void> exchange(Connection& connection, const std::string& path,
                               const std::string& request, AnswerParser& parser,
                               HttpAnswer& answer) {
  const auto fail = [&](Ending ending, const error_code& why) {
    if (connection.over) {
      answer.ending = *connection.over;
      return;
    }
    if (why == asio::error::operation_aborted) throw boost::system::system_error(why);
    answer.ending = ending;
    answer.why = why.message();
  };
  error_code wrong;
  const stream_protocol::endpoint server(path);
  co_await connection.socket.async_connect(server,
                                           asio::redirect_error(asio::use_awaitable, wrong));
  if (wrong) {
    fail(Ending::not_connected, wrong);
    co_return;
  }
  co_await asio::async_write(connection.socket, asio::buffer(request),
                             asio::redirect_error(asio::use_awaitable, wrong));
  // The server may have answered before it read everything.
  if (wrong && wrong != asio::error::broken_pipe && wrong != asio::error::connection_reset) {
    fail(Ending::broken, wrong);
    co_return;
  }
  std::array<char, most_at_once> buffer;
  std::size_t size = 0;
  while (!parser.is_done()) {
    if (size == buffer.size()) {
      answer.ending = Ending::too_much;
      co_return;
    }
    const auto room = asio::buffer(buffer.data() + size, buffer.size() - size);
    const auto came = co_await connection.socket.async_read_some(
        room, asio::redirect_error(asio::use_awaitable, wrong));
    if (came > 0) connection.await_more_bytes();
    size += came;
    if (wrong == asio::error::eof) {
      error_code early;
      if (parser.got_some()) parser.put_eof(early);
      if (parser.is_done() && !early) break;
      fail(Ending::broken, wrong);
      co_return;
    }
    if (wrong) {
      fail(Ending::broken, wrong);
      co_return;
    }
    wrong = feed(parser, buffer, size);
    if (parser.failure()) std::rethrow_exception(parser.failure());
    if (parser.flow() == Flow::stop) answer.ending = Ending::stopped;
    if (parser.flow() == Flow::too_much) answer.ending = Ending::too_much;
    if (parser.flow() != Flow::go_on) co_return;
    if (wrong == http::error::header_limit) {
      answer.ending = Ending::too_much;
      co_return;
    }
    if (wrong) {
      fail(Ending::broken, wrong);
      co_return;
    }
  }
}

}  // namespace

asio::awaitable<HttpAnswer> http_ask(std::string socket, HttpRequest request, OutputReader reader,
                                     HttpLimits limits) {
  const auto executor = co_await asio::this_coro::executor;
  const auto connection = std::make_shared<Connection>(executor, limits);
  const Closing closing(connection);
  connection->await_first_bytes();
  HttpAnswer answer;
  AnswerParser parser(answer, reader);
  const auto text = request_text(request);
  co_await exchange(*connection, socket, text, parser, answer);
  answer.wall =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - connection->started);
  co_return answer;
}

}  // namespace retrust
