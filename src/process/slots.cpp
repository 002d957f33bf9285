#include "process/slots.h"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace retrust {

namespace asio = boost::asio;

Slots::Slots(asio::any_io_executor executor, std::size_t count)
    : executor_(std::move(executor)), free_(count) {}

Slots::Taken::~Taken() {
  if (slots_ != nullptr) slots_->give_back();
}

Slots::Taken::Taken(Taken&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}

asio::awaitable<Slots::Taken> Slots::take() {
  if (free_ == 0) {
    const auto mine =
        std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    waiting_.push_back(mine);
    boost::system::error_code woken;
    co_await mine->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    // A caller that is cancelled still stands in the line. One that was called does not.
    const auto place = std::find(waiting_.begin(), waiting_.end(), mine);
    if (place != waiting_.end()) {
      waiting_.erase(place);
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    // give_back() handed its slot on.
    co_return Taken(*this);
  }
  --free_;
  co_return Taken(*this);
}

void Slots::give_back() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  const auto next = waiting_.front();
  waiting_.pop_front();
  next->cancel();
}

}  // namespace retrust
