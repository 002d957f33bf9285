// Section 2.5: repairs Rancher's stored credentials if the agents do not report.
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/right_clusters.h"
#include "observe/stored_token.h"
#include "steps/cluster_change.h"
#include "steps/context.h"
#include "steps/live_credentials.h"
#include "steps/outlook.h"

namespace retrust {
namespace {

/// Whether the status has a path of its own, by Rancher's version: status_path in stored_token.h
/// asks the CRD.
bool has_own_status(const RancherServer& rancher) {
  return rancher.version && *rancher.version >= Version{2, 15, 0};
}

/// Arguments of the command that writes the status.
Arguments replacement(const Local& local) {
  return has_own_status(local.rancher) ? Kubectl::replace_raw_args(status_path_of(local.cluster.id))
                                       : Kubectl::replace_args();
}

PlannedStep plan(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& options = situation.options;
  const Step step = Step::update_cluster;
  const auto& cluster = seen.local.cluster;
  std::vector<std::string> command{
      shell_line(options.local_kubectl, Kubectl::get_args(commands::cluster(cluster.id)))};
  if (keeps_token_in_secret(cluster, seen.local.rancher)) {
    command.push_back(shell_line(options.local_kubectl, Kubectl::create_args()));
  }
  command.push_back(shell_line(options.local_kubectl, replacement(seen.local)));
  if (token_is_to_come(situation)) {
    if (situation.order() == Order::usual) {
      return {step, Need::depends, "if the agents do not report the new token and CA", command};
    }
    return {step, Need::needed, no_report(seen), command};
  }
  const auto comparison = seen.comparison();
  if (comparison.same()) return {step, Need::not_needed, "stored and live are the same"};
  if (situation.is_stored()) {
    PlannedStep planned{step, Need::not_needed,
                        "the stored CA verifies the API server, and lacks only certificates that "
                        "the live one gained",
                        command};
    planned.doubtful = true;
    return planned;
  }
  if (const auto reason = no_report(seen); !reason.empty()) {
    return {step, Need::needed, reason, command};
  }
  if (!situation.performed(Step::check_cluster) && !options.skip.contains(Step::check_cluster)) {
    return {step, Need::depends, "if the agents do not report the live token and CA", command};
  }
  return {
      step, Need::needed,
      fmt::format("the agents did not report: stored and live {} differ", differing(comparison)),
      command};
}

boost::asio::awaitable<void> run(Context context) {
  // retrust tries the credentials before it writes them, because no agent reports them.
  co_await try_live(context);
  co_await context.cluster_watch().end();
  context.note_live();
  auto& state = context.state();
  const auto live = *context.seen().live_credentials();
  const auto before = context.seen().local;
  ClusterChange change;
  change.id = before.cluster.id;
  change.rancher = before.rancher;
  change.purpose = "with the live token and CA";
  change.look = [context](const ClusterResource& now) {
    context.saw_cluster(now);
    check_right_clusters(context.seen());
    return !context.seen().comparison().same();
  };
  if (!before.rancher.version && before.cluster.stored.token.empty() &&
      before.cluster.token_secret_name.empty()) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("whether Rancher \"{}\" keeps tokens in the clusters resource or in a "
                    "Secret cannot be told: it has stored none",
                    before.rancher.version_text),
        "import the cluster again, or let its agents report");
  }
  const auto kubectl = context.local();
  auto path = co_await status_path(kubectl, before.cluster.id);
  change.status_path = std::move(path);
  if (keeps_token_in_secret(before.cluster, before.rancher)) change.token_for_secret = live.token;
  change.edit = [&](boost::json::object& status, const ObjectName& token_secret) {
    state.written = digest_of(live);
    state.written->token_secret = token_secret.text();
    status["caCert"] = base64_encode(live.ca_pem);
    // Nobody reads the plain field if there is a Secret: to write the token there would only leak
    // it.
    if (token_secret.empty()) {
      status["serviceAccountToken"] = live.token.reveal();
    } else {
      status["serviceAccountTokenSecret"] = token_secret.text();
    }
  };
  change.announce = [context](const std::string& text) { context.announce(text); };
  change.not_made = [&state, changed = state.changed] {
    state.changed = changed;
    state.written.reset();
  };
  change.done = [context](const ClusterResource& stored) {
    context.saw_cluster(stored);
    return context.seen().comparison().same();
  };
  const auto stored = co_await change_cluster(kubectl, context.folder(), context.journal(),
                                              context.redactor(), std::move(change));
  if (!stored) {
    context.run_journal().finding(
        "Rancher has stored the live token and CA meanwhile: nothing to repair");
    co_return;
  }
  state.repaired = state.report_missing ? Repaired::after_silence : Repaired::by_retrust;
  context.forget_readiness();
}

StepResult result(const Observation& seen) {
  return {stored_text(seen)};
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions&) {
  Permission read{Side::local, "get", "management.cattle.io", "clusters", ""};
  read.name = seen.local.cluster.id.text();
  auto update = read;
  update.verb = "update";
  if (has_own_status(seen.local.rancher)) update.subresource = "status";
  Permission definition{Side::local, "get", "apiextensions.k8s.io", "customresourcedefinitions",
                        ""};
  definition.name = commands::clusters_definition_name;
  std::vector<Permission> needed{std::move(read), std::move(update), std::move(definition)};
  if (keeps_token_in_secret(seen.local.cluster, seen.local.rancher)) {
    needed.push_back({Side::local, "create", "", "secrets", credential_namespace});
  }
  return needed;
}

}  // namespace

// Performed alone, the step repairs what differs now, even if an agent might still report.
extern const StepWork update_cluster{.plan = plan,
                                     .run = run,
                                     .result = result,
                                     .permissions = permissions,
                                     .alone = {.instead_of = Step::check_cluster,
                                               .reason = "stored and live credentials differ",
                                               .proves = true}};

}  // namespace retrust
