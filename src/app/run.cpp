#include <fmt/format.h>

#include "app/commands.h"
#include "app/repair.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> run_command(Invocation& app) {
  auto& record = app.open_record(
      fmt::format("run of cluster {}", app.about.empty() ? app.options.cluster : app.about));
  const auto runner = co_await connect(app, record);
  co_await runner->run();
  co_return end_repair(app, record, *runner, ExitStatus::done, "Done.");
}

}  // namespace retrust
