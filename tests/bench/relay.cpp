// Passes TCP connections on, each byte late: an API server that is far away. Part of scripts/bench.
//   delaying-relay PORT MILLISECONDS
// Listens on a port of its own choice on 127.0.0.1, which it prints. Each way takes half of the
// time, so that an answer comes after all of it.
#include <chrono>
#include <deque>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// One direction of a connection: what was read, and when it is due at the other end.
struct Way {
  Way(std::shared_ptr<tcp::socket> read_from, std::shared_ptr<tcp::socket> write_to)
      : from(std::move(read_from)), to(std::move(write_to)), due(from->get_executor()) {}

  std::shared_ptr<tcp::socket> from;
  std::shared_ptr<tcp::socket> to;
  asio::steady_timer due;
  std::deque<std::pair<Clock::time_point, std::vector<char>>> chunks;
  bool over = false;
};

awaitable<void> read(std::shared_ptr<Way> way, Clock::duration delay) {
  try {
    for (;;) {
      std::vector<char> chunk(std::size_t{64} << 10U);
      const auto size = co_await way->from->async_read_some(asio::buffer(chunk), use_awaitable);
      chunk.resize(size);
      way->chunks.emplace_back(Clock::now() + delay, std::move(chunk));
      way->due.cancel();
    }
  } catch (const std::exception&) {
  }
  way->over = true;
  way->due.cancel();
}

awaitable<void> write(std::shared_ptr<Way> way) {
  boost::system::error_code ignored;
  try {
    while (!way->over || !way->chunks.empty()) {
      const auto next = way->chunks.empty() ? Clock::time_point::max() : way->chunks.front().first;
      way->due.expires_at(next);
      if (next > Clock::now()) {
        co_await way->due.async_wait(asio::redirect_error(use_awaitable, ignored));
        continue;
      }
      const auto chunk = std::move(way->chunks.front().second);
      way->chunks.pop_front();
      co_await asio::async_write(*way->to, asio::buffer(chunk), use_awaitable);
    }
  } catch (const std::exception&) {
  }
  way->to->shutdown(tcp::socket::shutdown_send, ignored);
}

awaitable<void> serve(tcp::acceptor& acceptor, tcp::endpoint target, Clock::duration delay) {
  for (;;) {
    auto accepted = co_await acceptor.async_accept(use_awaitable);
    auto near = std::make_shared<tcp::socket>(std::move(accepted));
    auto far = std::make_shared<tcp::socket>(acceptor.get_executor());
    co_await far->async_connect(target, use_awaitable);
    for (const auto& way : {std::make_shared<Way>(near, far), std::make_shared<Way>(far, near)}) {
      asio::co_spawn(acceptor.get_executor(), read(way, delay), asio::detached);
      asio::co_spawn(acceptor.get_executor(), write(way), asio::detached);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("give a port and milliseconds");
    const auto loopback = asio::ip::address_v4::loopback();
    const tcp::endpoint target(loopback, static_cast<unsigned short>(std::stoi(argv[1])));
    const std::chrono::microseconds delay(std::stoi(argv[2]) * 500);
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(loopback, 0));
    std::cout << acceptor.local_endpoint().port() << std::endl;
    asio::co_spawn(io, serve(acceptor, target, delay), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
    io.run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "delaying-relay: " << error.what() << "\n";
    return 1;
  }
}
