#include "run/rollback.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> rollback_command(Invocation& app) {
  const auto& asked = app.options;
  auto& record = app.open_record(fmt::format("rollback of {}", asked.rollback_folder));
  RollbackOptions options{asked.rollback_folder, asked.cluster, asked.name_space};
  options.tries_token = !asked.kubeconfig.empty();
  options.overwrites_others = asked.overwrite;
  options.wait = asked.timeout;
  options.before_change = [&app] { return check_resources(app.runner); };
  options.operator_name = app.host.operator_name;
  auto reached = co_await app.toolbox.connect();
  const auto rollback = std::make_shared<Rollback>(
      std::move(reached), Journal(app.events), record.folder, std::move(options), app.asks(record));
  record.standing = [rollback] {
    return Standing{rollback->changed(), WayBack::rollback, {}, {}, rollback->cluster()};
  };
  co_await rollback->run();
  const auto called = record.called();
  std::vector<Advice> next;
  for (const auto& each : rollback->next()) next.push_back(completed(called, each));
  const auto changed = rollback->changed();
  if (changed && record.folder.loss().empty()) {
    add_backup(next, called, WayBack::rollback, record.folder.path().string());
  }
  const Ended ended{changed ? "Put back." : "Nothing to put back.", rollback->verdict(),
                    std::move(next)};
  co_return record.end(ExitStatus::done, ended);
}

}  // namespace retrust
