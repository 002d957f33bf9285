#include "app/commands.h"
#include "app/look.h"
#include "report/findings.h"
#include "steps/step.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> plan_command(Invocation& app) {
  auto tools = app.toolbox.backup_tools();
  const auto looked = co_await look(app, tools, Permissions::ask);
  const auto& seen = looked.seen;
  const auto plan = make_plan(seen, looked.plan_options);
  check_may_change(seen, plan, looked.plan_options);
  tell_findings(app, seen);
  if (app.options.backup.kind == BackupChoice::Kind::none) {
    tell_waived_backup(Journal(app.events));
  }
  tell_difference(app, seen);
  Journal(app.events).plan(shown(plan));
  co_return end_look(app, looked, plan);
}

}  // namespace retrust
