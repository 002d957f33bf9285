#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace retrust {

/// A limited number of slots: who finds none free waits, in the order of arrival. Single-threaded.
class Slots {
 public:
  Slots(boost::asio::any_io_executor executor, std::size_t count);

  /// A slot, until this goes. The slots must outlive it.
  class Taken {
   public:
    explicit Taken(Slots& slots) : slots_(&slots) {}
    ~Taken();
    Taken(Taken&& other) noexcept;
    Taken& operator=(Taken&&) = delete;

   private:
    Slots* slots_;
  };
  boost::asio::awaitable<Taken> take();

 private:
  void give_back();

  boost::asio::any_io_executor executor_;
  std::size_t free_;
  std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace retrust
