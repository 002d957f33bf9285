#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace retrust {

/// A limited number of slots: who finds none free waits, in the order of arrival. Single-threaded.
class Slots {
  struct State;

 public:
  Slots(boost::asio::any_io_executor executor, std::size_t count);

  /// A slot, until this goes.
  class Taken {
   public:
    explicit Taken(std::shared_ptr<State> state) : state_(std::move(state)) {}
    ~Taken();
    Taken(Taken&& other) noexcept = default;
    Taken& operator=(Taken&&) = delete;

   private:
    std::shared_ptr<State> state_;
  };
  boost::asio::awaitable<Taken> take();

 private:
  struct State {
    boost::asio::any_io_executor executor;
    std::size_t free;
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting = {};
  };
  std::shared_ptr<State> state_;
};

}  // namespace retrust
