#include <utility>

#include "app/commands.h"
#include "app/look.h"
#include "report/findings.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> status_command(Invocation& app) {
  auto tools = app.toolbox.backup_tools();
  const auto looked = co_await look(app, tools, Permissions::leave);
  tell_findings(app, looked.seen);
  for (auto& line : credentials_table(looked.seen)) {
    Event told{.kind = EventKind::finding, .text = std::move(line)};
    app.events.emit(told);
  }
  tell_difference(app, looked.seen);
  co_return end_look(app, looked.seen, make_plan(looked.seen, looked.plan_options));
}

}  // namespace retrust
