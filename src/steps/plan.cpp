#include "steps/plan.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/stored_token.h"
#include "steps/backup_plan.h"
#include "steps/impersonation_plan.h"
#include "steps/token_plan.h"
#include "tools/docker.h"
#include "tools/kubectl.h"

namespace retrust {
namespace {

std::vector<ObjectName> names_of(const std::vector<Pod>& pods) {
  std::vector<ObjectName> names;
  for (const auto& pod : pods) names.push_back(pod.name);
  return names;
}

/// "token and CA" or what of them is true of the comparison.
std::string differing(const Comparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.token != Comparison::Part::same) parts.emplace_back("token");
  if (comparison.ca != Comparison::Part::same) parts.emplace_back("CA");
  return enumerated(parts);
}

/// From the start of an agent's pod until it has made its token secret; it waits for Rancher
/// before.
constexpr std::chrono::minutes agents_head_start{10};

/// The moment before which a Rancher server cannot have read the live credentials.
std::chrono::sys_seconds credentials_since(const Observation& observation) {
  std::chrono::sys_seconds since{};
  if (const auto* live = observation.live(); live != nullptr) {
    since = live->created;
    for (const auto& ca : parse_certificates(observation.live_credentials()->ca_pem)) {
      since = std::max(since, ca.not_before);
    }
  }
  return since;
}

/// Makes the plan step by step; later steps look at what earlier ones will have done.
class Planner {
 public:
  Planner(const Observation& observation, const PlanOptions& options, const Progress& progress)
      : seen_(observation),
        options_(options),
        progress_(progress),
        comparison_(observation.comparison()) {}

  Plan make() {
    Plan plan;
    plan.steps = {plan_token_deletion(seen_, options_, progress_),
                  recreate_agents(),
                  plan_token_reading(seen_, options_, progress_),
                  get_ca(),
                  check_cluster(),
                  update_cluster(),
                  restart_rancher(),
                  plan_impersonation_repair(seen_, options_, progress_)};
    auto changes = Changes::none;
    for (auto& planned : plan.steps) {
      if (options_.skip.contains(planned.step)) {
        planned.need = Need::skipped;
        planned.reason = "skipped, as asked; otherwise: " + planned.reason;
      }
      const auto comes = planned.need == Need::needed || planned.need == Need::depends;
      if (comes) planned.effect = effect_of(planned.step, options_);
      if (comes && info_of(planned.step).effect == StepInfo::Effect::changes) {
        changes = Changes::ahead;
      }
    }
    plan.steps.insert(plan.steps.begin(),
                      {plan_container_backup(seen_, options_, progress_, changes),
                       plan_etcd_backup(seen_, options_, progress_, changes)});
    return plan;
  }

 private:
  bool performed(Step step) const { return progress_.performed.contains(step); }
  bool every() const { return options_.extent == Extent::every; }
  bool token_changes() const { return token_is_to_come(seen_, options_, progress_); }

  PlannedStep recreate_agents() const {
    const Step step = Step::recreate_agents;
    if (performed(step)) return {step, Need::not_needed, "done"};
    const auto pods = pods_to_recreate(seen_, options_);
    // --all-pods says which pods go where some have to, not that some have to.
    auto agents_only = options_;
    agents_only.pods = PodChoice::agents;
    const auto stale = pods_to_recreate(seen_, agents_only);
    std::vector<std::string> command;
    if (!pods.empty()) {
      command.push_back(shell_line(options_.downstream_kubectl,
                                   commands::delete_pods(options_.name_space, names_of(pods))));
    }
    const auto count = counted(pods.size(), "pod");
    if (token_changes() || performed(Step::delete_token)) {
      const auto what = token_maker(seen_) == TokenMaker::agents
                            ? "must make a new token secret, and report it when they start"
                            : "must load the new token secret, and report when they start";
      return {step, Need::needed, fmt::format("{} {}", count, what), command};
    }
    if (!comparison_.equal() && no_report(seen_).empty()) {
      return {step, Need::needed,
              fmt::format("stored and live {} differ: {} report when they start",
                          differing(comparison_), count),
              command};
    }
    if (every()) return {step, Need::needed, "every section was asked for", command};
    if (!stale.empty()) {
      return {step, Need::needed,
              fmt::format("{} of the agents started before the present token secret was made",
                          counted(stale.size(), "pod")),
              command};
    }
    return {step, Need::not_needed, "the agents run with the present token secret"};
  }

  PlannedStep get_ca() const {
    return {Step::get_ca,
            performed(Step::get_ca) ? Need::not_needed : Need::needed,
            "reads the CA that Rancher should have, by the same command",
            {}};
  }

  PlannedStep check_cluster() const {
    const Step step = Step::check_cluster;
    const std::vector<std::string> command{
        shell_line(options_.local_kubectl,
                   Kubectl::watch_args(commands::watched_cluster(seen_.local.cluster.id),
                                       options_.local_age))};
    if (!token_changes() && comparison_.equal()) {
      return {step, performed(step) ? Need::not_needed : Need::needed,
              "reads the clusters resource: stored and live are the same", command};
    }
    if (const auto reason = no_report(seen_); !reason.empty()) {
      return {step, performed(step) ? Need::not_needed : Need::needed,
              fmt::format("no report is waited for: {}", reason)};
    }
    return {step, performed(step) ? Need::not_needed : Need::needed,
            "watches the clusters resource until it has the live token and CA", command};
  }

  PlannedStep update_cluster() const {
    const Step step = Step::update_cluster;
    const auto& id = seen_.local.cluster.id;
    std::vector<std::string> command{
        shell_line(options_.local_kubectl, Kubectl::get_args(commands::cluster(id)))};
    if (keeps_token_in_secret(seen_.local.cluster, seen_.local.rancher)) {
      command.push_back(shell_line(options_.local_kubectl, Kubectl::create_args()));
    }
    command.push_back(shell_line(options_.local_kubectl, replacement(id)));
    if (performed(step)) return {step, Need::not_needed, "done"};
    if (token_changes()) {
      return {step, Need::depends, "if the agents do not report the new token and CA", command};
    }
    if (comparison_.equal()) {
      return {step, Need::not_needed, "stored and live are the same"};
    }
    if (const auto reason = no_report(seen_); !reason.empty()) {
      return {step, Need::needed, reason, command};
    }
    if (!performed(Step::check_cluster) && !options_.skip.contains(Step::check_cluster)) {
      return {step, Need::depends, "if the agents do not report the live token and CA", command};
    }
    return {
        step, Need::needed,
        fmt::format("the agents did not report: stored and live {} differ", differing(comparison_)),
        command};
  }

  /// How the status is written: see status_path in stored_token.h, which looks at the CRD.
  Arguments replacement(const ClusterId& id) const {
    const auto& version = seen_.local.rancher.version;
    if (!version || *version < Version{2, 15, 0}) {
      return Kubectl::replace_args();
    }
    return Kubectl::replace_raw_args(status_path_of(id));
  }

  PlannedStep restart_rancher() const {
    const Step step = Step::restart_rancher;
    if (performed(step)) return {step, Need::not_needed, "done"};
    const auto& rancher = seen_.local.rancher;
    std::vector<std::string> command;
    if (!rancher.deployment.empty()) {
      command.push_back(
          shell_line(options_.local_kubectl,
                     commands::restart_deployment(rancher.name_space, rancher.deployment)));
    } else if (restartable(seen_)) {
      command.push_back(shell_line({options_.docker}, Docker::restart_args(seen_.container->name)));
    }
    if (!rancher.version) {
      if (every()) return {step, Need::needed, "every section was asked for", command};
      return {step, Need::not_needed,
              fmt::format("Rancher's version cannot be read (\"{}\"): if it is 2.0 or 2.1, and "
                          "logs and shell do not work afterwards, run step 3.1",
                          rancher.version_text)};
    }
    const auto number = fmt::format("Rancher {}", rancher.version_text);
    if (*rancher.version >= Version{2, 2, 0}) {
      if (every()) return {step, Need::needed, "every section was asked for", command};
      return {step, Need::not_needed, fmt::format("{} notices the change by itself", number)};
    }
    if (!restartable(seen_)) {
      return {step, Need::not_needed,
              fmt::format("{} is no Deployment here{}: where it runs in a container of its own, "
                          "restart that afterwards ({} restart NAME), or logs and shell fail",
                          number,
                          seen_.container ? ", and nothing shows that it is the container that was "
                                            "named"
                                          : "",
                          shell_line({options_.docker}))};
    }
    const auto changes = token_changes() || !comparison_.equal();
    const auto since = std::max(credentials_since(seen_),
                                progress_.stored_changed.value_or(std::chrono::sys_seconds{}));
    const auto stale =
        rancher.deployment.empty()
            ? container_older_than(since)
            : rancher.pods.empty() ||
                  std::any_of(rancher.pods.begin(), rancher.pods.end(), [&](const Pod& pod) {
                    return !pod.terminating && pod.started < since;
                  });
    if (!changes && !stale && !every()) {
      return {step, Need::not_needed,
              fmt::format("{} was started after the live credentials were made", number)};
    }
    return {
        step, Need::needed,
        fmt::format("{} keeps the old CA and token in memory: logs and shell would fail", number),
        command};
  }

  bool container_older_than(std::chrono::sys_seconds since) const {
    const auto started = seen_.container->container.started;
    return !started || *started < since;
  }

  const Observation& seen_;
  const PlanOptions& options_;
  const Progress& progress_;
  Comparison comparison_;
};

std::string_view word(Need need) {
  switch (need) {
    case Need::needed:
      return "needed";
    case Need::not_needed:
      return "not needed";
    case Need::depends:
      return "if needed";
    case Need::skipped:
      return "skipped";
  }
  return {};
}

}  // namespace

const PlannedStep& Plan::operator[](Step step) const {
  const auto found = std::find_if(steps.begin(), steps.end(),
                                  [&](const PlannedStep& planned) { return planned.step == step; });
  if (found == steps.end()) throw std::logic_error("a plan has every step");
  return *found;
}

const PlannedStep* Plan::next_change() const {
  const auto found = std::find_if(steps.begin(), steps.end(), [](const PlannedStep& planned) {
    return planned.need == Need::needed &&
           info_of(planned.step).effect == StepInfo::Effect::changes;
  });
  return found == steps.end() ? nullptr : &*found;
}

Plan make_plan(const Observation& observation, const PlanOptions& options,
               const Progress& progress) {
  return Planner(observation, options, progress).make();
}

std::vector<ObjectName> secrets_to_delete(const Observation& observation,
                                          const PlanOptions& options) {
  std::vector<ObjectName> names;
  for (const auto& secret : observation.downstream.tokens) {
    if (options.extent == Extent::every || !secret.complete() ||
        secret.verdict == Verdict::rejected) {
      names.push_back(secret.name);
    }
  }
  return names;
}

std::vector<Pod> pods_to_recreate(const Observation& observation, const PlanOptions& options) {
  const auto& downstream = observation.downstream;
  if (options.pods == PodChoice::every) return downstream.pods;
  const auto* live = observation.live();
  const auto everyone = options.extent == Extent::every ||
                        (!observation.comparison().equal() && no_report(observation).empty()) ||
                        !secrets_to_delete(observation, options).empty() || live == nullptr;
  // A secret that agents made is a little younger than their pods.
  const auto head_start =
      agents_make_tokens(observation) ? agents_head_start : std::chrono::seconds{0};
  std::vector<Pod> pods;
  for (const auto& pod : agent_pods(downstream.pods)) {
    const auto gone = std::any_of(
        pod.mounted_secrets.begin(), pod.mounted_secrets.end(),
        [&](const ObjectName& name) { return !downstream.secret_names.contains(name); });
    if (everyone || gone || pod.started + head_start < live->created) pods.push_back(pod);
  }
  return pods;
}

bool restartable(const Observation& observation) {
  return !observation.local.rancher.deployment.empty() ||
         (observation.container &&
          observation.container->proof == ServerContainer::Proof::same_cluster);
}

std::string no_report(const Observation& observation) {
  const auto agents = agents_version(observation);
  const auto kubernetes = parse_version(observation.downstream.kubernetes_version);
  if (agents && *agents < Version{2, 5, 8} && kubernetes && *kubernetes >= Version{1, 21, 0}) {
    return "agents before 2.5.8 report a token that expires, on Kubernetes 1.21 and later";
  }
  const auto ca = observation.comparison().ca;
  return why_not_reported(
      observation.local.cluster, observation.local.rancher,
      ca == Comparison::Part::same ? Reported::token_alone : Reported::token_and_ca);
}

std::string steps_text(const Plan& plan) {
  std::string text;
  for (const auto& planned : plan.steps) {
    const auto& info = info_of(planned.step);
    const auto comes = planned.need == Need::needed || planned.need == Need::depends;
    if (!comes || info.effect == StepInfo::Effect::reads) continue;
    text += fmt::format("{}{}{} {}", text.empty() ? "" : ", ",
                        planned.need == Need::depends ? "if needed " : "", info.section, info.name);
  }
  return text;
}

std::string effect_of(Step step, const PlanOptions& options) {
  switch (step) {
    case Step::recreate_agents:
      return options.pods == PodChoice::every
                 ? fmt::format(
                       "2.2 restarts every pod of {}, running Helm operations too, and "
                       "Rancher shows the cluster as unavailable until the new agents "
                       "connect; workloads of other namespaces keep running",
                       options.name_space)
                 : "2.2 restarts Rancher's agents, and Rancher shows the cluster as unavailable "
                   "until the new agents connect; workloads keep running";
    case Step::restart_rancher:
      return "3.1 restarts Rancher's server, and nobody can use Rancher, for any cluster, until "
             "the new one answers; workloads keep running";
    case Step::repair_impersonation:
      return "3.2 deletes tokens that the cluster rejects already, and Rancher makes new ones when "
             "its users need them";
    default:
      return {};
  }
}

std::string effects_text(const Plan& plan) {
  std::string text;
  for (const auto& planned : plan.steps) {
    if (!planned.effect.empty()) text += planned.effect + ". ";
  }
  return text;
}

std::vector<std::string> added_changes(const Plan& first, const Plan& now) {
  std::vector<std::string> added;
  for (const auto& planned : now.steps) {
    const auto& info = info_of(planned.step);
    const auto before = first[planned.step].need;
    if (info.effect != StepInfo::Effect::changes || planned.need != Need::needed) continue;
    if (before == Need::needed || before == Need::depends) continue;
    added.push_back(fmt::format("{} {}", info.section, info.name));
  }
  return added;
}

std::string plan_text(const Plan& plan) {
  std::string text;
  for (const auto& planned : plan.steps) {
    const auto& info = info_of(planned.step);
    text += fmt::format("{}  {:<20}  {:<10}  {}\n", info.section, info.name, word(planned.need),
                        planned.reason);
    if (planned.need == Need::not_needed || planned.need == Need::skipped) continue;
    for (const auto& command : planned.commands) text += fmt::format("       {}\n", command);
    for (const auto& note : planned.notes) text += fmt::format("       ({})\n", note);
    if (!planned.effect.empty()) text += fmt::format("       ({})\n", planned.effect);
  }
  return text;
}

}  // namespace retrust
