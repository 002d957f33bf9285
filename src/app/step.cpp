#include <string>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/repair.h"
#include "base/encoding.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

/// Prints what `step get-token` and `step get-ca` are for, to standard output and nowhere else.
void print_asked(Invocation& app, Record& record, const Credentials& live) {
  const auto token = app.options.step == Step::get_token;
  std::string text;
  if (token) text = live.token.reveal();
  if (app.options.step == Step::get_ca) text = base64_encode(live.ca_pem);
  if (text.empty()) return;
  app.output.write(Stream::out, text + "\n");
  if (app.output.lost(Stream::out)) {
    throw Failure(ExitStatus::failed,
                  fmt::format("the {} was not printed, or not all of it: {}",
                              token ? "token" : "CA", lost_text(app.output)),
                  "run again with a standard output that can be written");
  }
  record.note(token ? "the token itself was printed to standard output, as was asked for"
                    : "the CA was printed to standard output, in base64");
}

ExitStatus end_step(Invocation& app, Record& record, const StepRunner& runner) {
  const auto step = app.options.step;
  const auto& seen = runner.observation();
  const auto* live = seen.live();
  if (live != nullptr) print_asked(app, record, live->credentials);
  if (step == Step::get_token && live != nullptr && live->verdict == Verdict::rejected) {
    // What comes next is not shown beside what is printed for another program.
    Journal(app.events, "2.3")
        .warning("retrust printed this token although the cluster rejects it",
                 completed(app.called, Advice::retrust("see what replaces it", "plan")));
    return end_repair(app, record, runner, ExitStatus::done, "The cluster rejects this token.");
  }
  if (step == Step::check_cluster && !seen.comparison().equal()) {
    return end_repair(app, record, runner, ExitStatus::differs,
                      "Stored and live credentials differ.");
  }
  return end_repair(app, record, runner, ExitStatus::done, "Done.");
}

}  // namespace

boost::asio::awaitable<ExitStatus> step_command(Invocation& app) {
  auto& record = app.open_record(fmt::format("step of cluster {}", app.options.cluster));
  const auto runner = co_await connect(app, record);
  co_await runner->run_step(*app.options.step);
  co_return end_step(app, record, *runner);
}

}  // namespace retrust
