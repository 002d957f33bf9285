#include "app/repair.h"

#include <utility>

#include "app/usage.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<std::shared_ptr<Execution>> connect(Invocation& app, Record& record) {
  auto reached = co_await app.toolbox.connect();
  const auto permissions = changes_something(app.options) ? Permissions::ask : Permissions::leave;
  ExecutionOptions options{app.toolbox.observe_options(permissions),
                           app.toolbox.plan_options(reached), app.options.timeout};
  auto execution = std::make_shared<Execution>(std::move(reached), app.toolbox.backup_tools(),
                                               Journal(app.events), record.folder,
                                               std::move(options), record.confirm());
  record.standing = [execution] {
    return Standing{execution->changed(), execution->way_back(), execution->backup_made()};
  };
  co_return execution;
}

ExitStatus end_repair(const Invocation& app, Record& record, const Execution& execution,
                      ExitStatus status, std::string head) {
  const auto folder = execution.changed() ? record.folder.path().string() : std::string();
  return record.end(
      status, {std::move(head), execution.verdict(),
               next_after_change(app.called, app.options, execution.observation(), execution.left(),
                                 execution.repaired(), execution.way_back(), folder)});
}

}  // namespace retrust
