#include "app/missing_choice.h"

#include <algorithm>

#include <fmt/format.h>

#include "observe/backup_offers.h"

namespace retrust {

boost::asio::awaitable<void> refuse_without_backup(Invocation& app) {
  constexpr std::string_view choices =
      "give --rancher-container NAME (a single container), --rke-config FILE (a cluster made by "
      "rke), --k3s or --rke2 (on a server node of such a cluster), --rancher-backup (the Rancher "
      "backup operator), or back Rancher up yourself and give --no-rancher-backup";
  // The refusal does not depend on the answer, so nobody waits for long.
  constexpr std::chrono::milliseconds patience{3000};
  const auto offers = co_await observe_backup_offers(app.toolbox.local_process(patience));
  Advice advice{std::string(choices)};
  if (const auto option = offers.option(); !option.empty()) {
    advice = with_backup(app.called, app.options.command, option,
                         fmt::format("{}; otherwise {}. For {}", offers.text(), choices, option));
  }
  throw Failure(FailureCode::no_backup_choice,
                "no choice was made about a backup of Rancher (section 1 of the runbook): nothing "
                "was changed",
                std::move(advice));
}

}  // namespace retrust
