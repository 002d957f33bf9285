#include "app/repair.h"

#include <utility>

#include <fmt/format.h>

#include "app/plan_file.h"
#include "app/usage.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<std::shared_ptr<StepRunner>> connect(Invocation& app, Record& record) {
  auto reached = co_await app.toolbox.connect();
  const auto permissions = changes_something(app.options) ? Permissions::ask : Permissions::leave;
  RunnerOptions options{app.toolbox.observe_options(permissions, reached),
                        app.toolbox.plan_options(reached),
                        app.options.timeout,
                        app.host.operator_name,
                        [&record](const ClusterId& id) { record.name_after(id); },
                        [&app] { return check_resources(app.runner); },
                        app.share,
                        {}};
  if (app.host.saved_plan) {
    options.check_saved_plan = [&app, &record, told = false](const Observation& seen,
                                                             const PlanOptions& plan) mutable {
      check_saved_plan(app, seen, plan, record.unchanged());
      if (!std::exchange(told, true)) tell_saved_plan(app);
    };
  }
  auto runner = std::make_shared<StepRunner>(std::move(reached), app.toolbox.backup_tools(),
                                             Journal(app.events), record.folder, std::move(options),
                                             app.asks(record));
  record.standing = [runner] {
    return Standing{runner->changed(), runner->way_back(), runner->backups(), runner->offers()};
  };
  co_return runner;
}

ExitStatus end_repair(const Invocation& app, Record& record, const StepRunner& runner,
                      ExitStatus status, std::string head) {
  const auto pointed = runner.changed() && record.folder.loss().empty();
  const auto folder = pointed ? record.folder.path().string() : std::string();
  auto verdict = runner.verdict();
  if (runner.changed() && app.options.backup.kind == BackupChoice::Kind::none) {
    verdict += fmt::format("; the backup of Rancher was {}", waived_backup);
  }
  return record.end(
      status, {std::move(head), std::move(verdict),
               next_after_change(record.called(), app.options, runner.observation(), runner.left(),
                                 runner.repaired(), runner.way_back(), folder)});
}

}  // namespace retrust
