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
  if (!token_is_to_come(situation) && situation.is_stored()) {
    planned.reason = seen.comparison().same()
                         ? "reads the clusters resource: stored and live are the same"
                         : "reads the clusters resource: the stored CA is good";
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

std::string stored_words(const Observation& seen) {
  return seen.comparison().same() ? stored_text(seen) : text_of(seen.comparison());
}

boost::asio::awaitable<void> run(Context context) {
  context.note_live();
  const auto reason = context.situation().is_stored() ? std::string() : no_report(context.seen());
  if (!reason.empty()) {
    context.run_journal().finding(fmt::format("no report is waited for: {}", reason));
    co_return;
  }
  const auto& journal = context.journal();
  journal.wait_started("for the live token and CA to be stored in Rancher", context.wait());
  const auto in_time = co_await await_cluster(context, Target::stored);
  if (!in_time) context.state().report_missing = true;
  journal.wait_ended(
      in_time ? stored_words(context.seen())
              : fmt::format("nothing was reported within {}", duration_text(context.wait())));
}

StepResult result(const Observation& seen) {
  return {stored_words(seen), seen.comparison().equal() ? "" : "not reported"};
}

std::vector<Permission> permissions(const Observation&, const PlanOptions&) {
  return {{Side::local, "watch", "management.cattle.io", "clusters", ""}};
}

}  // namespace

extern const StepWork check_cluster{
    .plan = plan, .run = run, .result = result, .permissions = permissions};

}  // namespace retrust
