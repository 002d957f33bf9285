#include "app/look.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "observe/handed_out_ca.h"
#include "observe/right_clusters.h"
#include "observe/server_container.h"
#include "report/findings.h"
#include "report/report.h"
#include "report/situation.h"
#include "report/verdict.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

std::string outcome(const Observation& seen, const Plan& plan, const BackupChoice& backup) {
  if (!differs(seen, plan)) {
    const auto wrong = still_wrong(seen);
    if (wrong.empty()) return "Nothing is needed.";
    return fmt::format("Rancher's record of {} ({}) needs no repair, but {}.",
                       seen.local.cluster.display_name, seen.local.cluster.id,
                       fmt::join(wrong, "; "));
  }
  if (auto planned = planned_text(seen, plan, backup); !planned.empty()) return planned;
  const auto steps = steps_text(plan);
  if (steps.empty() && seen.comparison().equal()) {
    return holders_differ(seen)
               ? "The cluster hands out two CAs. No changes were made."
               : "Whether the cluster accepts Rancher's token is not clear. No changes were made.";
  }
  if (steps.empty()) return "Stored and live credentials differ. No changes were made.";
  const auto& cluster = seen.local.cluster;
  return fmt::format("{} ({}) needs {}. No changes were made.", cluster.display_name, cluster.id,
                     steps);
}

}  // namespace

boost::asio::awaitable<Look> look(Invocation& app, BackupTools& tools, Permissions permissions) {
  auto reached = co_await app.toolbox.connect();
  const Journal journal(app.events);
  auto seen = co_await observe(reached, app.toolbox.observe_options(permissions, reached), journal);
  check_right_clusters(seen);
  seen.container = co_await observe_server_container(tools, app.options.rancher_container,
                                                     seen.local, app.redactor, journal);
  if (app.options.command == CommandName::plan) {
    const auto folder = run_folder_name(app.options, seen.local.cluster.id.text());
    seen.backup = co_await observe_backup(tools, app.options.backup, folder, seen, reached.local);
  }
  Look looked{std::move(seen), app.toolbox.plan_options(reached)};
  if (app.options.command == CommandName::plan && lacks_backup(app.options.backup)) {
    looked.offers = co_await observe_backup_offers(reached.local);
  }
  app.toolbox.end_sessions();
  co_return looked;
}

void tell_findings(Invocation& app, const Observation& seen) {
  Journal(app.events).situation(situation_text(seen));
  const auto brief =
      app.options.command == CommandName::status && app.options.verbosity != Verbosity::verbose;
  for (auto& line : findings(seen, brief ? Detail::brief : Detail::full)) {
    Journal(app.events).finding(std::move(line));
  }
}

void tell_difference(Invocation& app, const Observation& seen) {
  Journal(app.events).difference(credentials_diff(seen));
}

ExitStatus end_look(Invocation& app, const Look& looked, const Plan& plan,
                    const std::string& more) {
  const auto& seen = looked.seen;
  auto called = app.called;
  called.offers = looked.offers;
  RunEnded end;
  end.next = next_after_look(called, app.options, seen, plan);
  auto text = outcome(seen, plan, app.options.backup);
  if (!more.empty()) text += " " + more;
  Journal(app.events).run_ended(std::move(end), std::move(text));
  if (app.options.output == OutputFormat::json) {
    boost::json::value shown(report(seen, plan, app.options));
    mask_values(shown, app.redactor);
    app.print_report(shown);
  }
  return status_of_output(app.output, differs(seen, plan) ? ExitStatus::differs : ExitStatus::done);
}

}  // namespace retrust
