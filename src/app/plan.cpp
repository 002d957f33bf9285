#include "app/commands.h"
#include "app/look.h"
#include "app/plan_file.h"
#include "report/findings.h"
#include "run/current_plan.h"
#include "steps/step.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> plan_command(Invocation& app) {
  auto tools = app.toolbox.backup_tools();
  const auto looked = co_await look(app, tools, Permissions::ask);
  const auto& seen = looked.seen;
  const auto plan = make_plan(seen, looked.plan_options);
  if (app.host.saved_plan) {
    check_saved_plan(app, seen, looked.plan_options, "nothing was changed");
  }
  check_may_change(seen, plan, looked.plan_options);
  tell_findings(app, seen);
  if (app.options.backup.kind == BackupChoice::Kind::none) {
    tell_waived_backup(Journal(app.events));
  }
  tell_difference(app, seen);
  Journal(app.events).plan(shown(plan));
  if (app.host.saved_plan) tell_saved_plan(app);
  std::string saved;
  if (!app.options.plan_out.empty()) {
    saved = app.keep_plan(cluster_plan(seen, looked.plan_options, app.redactor));
  }
  co_return end_look(app, looked, plan, saved);
}

}  // namespace retrust
