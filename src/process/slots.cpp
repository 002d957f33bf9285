#include "process/slots.h"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace retrust {

namespace asio = boost::asio;

Slots::Slots(asio::any_io_executor executor, std::size_t count)
    : state_(std::make_shared<State>(State{std::move(executor), count})) {}

Slots::Taken::~Taken() {
  if (!state_) return;
  if (state_->waiting.empty()) {
    ++state_->free;
    return;
  }
  // The first in the line gets this slot.
  const auto next = state_->waiting.front();
  state_->waiting.pop_front();
  next->cancel();
}

asio::awaitable<Slots::Taken> Slots::take() {
  const auto state = state_;
  if (state->free > 0) {
    --state->free;
    co_return Taken(state);
  }
  const auto mine =
      std::make_shared<asio::steady_timer>(state->executor, asio::steady_timer::time_point::max());
  state->waiting.push_back(mine);
  boost::system::error_code woken;
  co_await mine->async_wait(asio::redirect_error(asio::use_awaitable, woken));
  // A caller that is cancelled still stands in the line. One that was given a slot does not.
  const auto place = std::find(state->waiting.begin(), state->waiting.end(), mine);
  if (place == state->waiting.end()) co_return Taken(state);
  state->waiting.erase(place);
  throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace retrust
