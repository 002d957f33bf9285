#include <utility>

#include "app/commands.h"
#include "app/look.h"
#include "report/findings.h"
#include "transcript/journal.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> status_command(Invocation& app) {
  auto tools = app.toolbox.backup_tools();
  const auto looked = co_await look(app, tools, Permissions::leave);
  tell_findings(app, looked.seen);
  for (auto& line : credentials_table(looked.seen)) {
    Journal(app.events).finding(std::move(line));
  }
  // The table beside fits a screen, and tells what is different.
  if (app.options.verbosity == Verbosity::verbose) tell_difference(app, looked.seen);
  co_return end_look(app, looked, make_plan(looked.seen, looked.plan_options));
}

}  // namespace retrust
