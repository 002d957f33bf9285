#include <fmt/format.h>

#include "app/commands.h"
#include "app/repair.h"

namespace retrust {

boost::asio::awaitable<ExitStatus> run_command(Invocation& app) {
  auto& record = app.open_record(fmt::format("run of cluster {}", app.options.cluster));
  const auto execution = co_await connect(app, record);
  co_await execution->run();
  co_return end_repair(app, record, *execution, ExitStatus::done, "Done.");
}

}  // namespace retrust
