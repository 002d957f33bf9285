#include "steps/named_deletion.h"

#include <optional>
#include <string>
#include <utility>

namespace retrust {

boost::asio::awaitable<std::vector<ObjectName>> delete_named(Kubectl kubectl, Deletion deletion,
                                                             Arguments args) {
  const auto once = kubectl.with(RetryPolicy{});
  auto retries = kubectl.retries();
  auto lost = false;
  std::string printed;
  for (;;) {
    std::optional<KubectlFailure> failed;
    try {
      printed = co_await once.change(args);
    } catch (const KubectlFailure& failure) {
      failed = failure;
    }
    if (!failed) break;
    co_await retries.wait_out(std::move(*failed));
    lost = true;
  }
  retries.answered();
  auto gone = co_await check_deleted(kubectl, std::move(deletion), std::move(printed));
  if (lost) gone.clear();
  co_return gone;
}

}  // namespace retrust
