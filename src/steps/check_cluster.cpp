// Section 2.5: compares Rancher's stored credentials with the live ones, and waits for the agents'
// report.
#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "steps/outlook.h"
#include "steps/stored_credentials.h"

namespace retrust {
namespace {

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  PlannedStep planned{Step::check_cluster,
                      situation.performed(Step::check_cluster) ? Need::not_needed : Need::needed,
                      "watches the clusters resource until it has the live token and CA"};
  if (!token_is_to_come(situation) && seen.comparison().equal()) {
    planned.reason = "reads the clusters resource: stored and live are the same";
  } else if (const auto reason = no_report(seen); !reason.empty()) {
    planned.reason = fmt::format("no report is waited for: {}", reason);
    return planned;
  }
  const auto& id = seen.local.cluster.id;
  const auto args = options.local_session
                        ? Kubectl::get_args(commands::cluster(id))
                        : Kubectl::watch_args(commands::watched_cluster(id), options.local_age);
  planned.commands = {shell_line(options.local_kubectl, args)};
  return planned;
}

boost::asio::awaitable<void> run(Context context) {
  context.note_live();
  const auto reason =
      context.seen().comparison().equal() ? std::string() : no_report(context.seen());
  if (!reason.empty()) {
    context.run_journal().finding(fmt::format("no report is waited for: {}", reason));
    co_return;
  }
  const auto& journal = context.journal();
  journal.wait_started("for the live token and CA to be stored in Rancher", context.wait());
  const auto in_time = co_await await_cluster(context, Target::stored);
  if (!in_time) context.state().report_missing = true;
  journal.wait_ended(
      in_time ? "Rancher has stored the live token and CA"
              : fmt::format("nothing was reported within {}", duration_text(context.wait())));
}

StepResult result(const Observation& seen) {
  return {stored_text(seen), seen.comparison().equal() ? "" : "not the same"};
}

std::vector<Permission> permissions(const Observation&, const PlanOptions&) {
  return {{Side::local, "watch", "management.cattle.io", "clusters", ""}};
}

}  // namespace

extern const StepWork check_cluster{
    .plan = plan, .run = run, .result = result, .permissions = permissions};

}  // namespace retrust
