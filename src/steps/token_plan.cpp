#include "steps/token_plan.h"

#include <fmt/format.h>

#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "tools/kubectl.h"

namespace retrust {
namespace {

/// Why the present token secrets cannot stay; empty where they can.
std::string why_delete(const Observation& seen, const PlanOptions& options) {
  for (const auto& secret : seen.downstream.tokens) {
    if (!secret.complete()) return fmt::format("{} is incomplete: {}", secret.name, secret.lack());
    if (secret.verdict == Verdict::rejected) {
      return fmt::format("the cluster rejects the token in {}: {}", secret.name,
                         secret.reason.empty() ? "not authenticated" : secret.reason);
    }
  }
  return options.extent == Extent::every ? "every section was asked for" : "";
}

/// The commands of section 2.1.
std::vector<std::string> commands_for(const Observation& seen, const PlanOptions& options) {
  std::vector<std::string> lines;
  const auto doomed = secrets_to_delete(seen, options);
  if (!doomed.empty()) {
    lines.push_back(shell_line(options.downstream_kubectl,
                               commands::delete_secrets(options.name_space, doomed)));
  }
  if (token_maker(seen) == TokenMaker::retrust) {
    if (doomed.size() == seen.downstream.tokens.size()) {
      lines.push_back(shell_line(options.downstream_kubectl, Kubectl::create_args()));
    }
    lines.push_back(shell_line(options.downstream_kubectl, Kubectl::replace_args()));
  }
  return lines;
}

std::vector<std::string> notes_for(const Observation& seen) {
  std::vector<std::string> notes{
      "cannot be taken back: rollback restores what Rancher has stored, not a deleted token"};
  const auto kubernetes = seen.downstream.kubernetes_version;
  switch (token_maker(seen)) {
    case TokenMaker::kubernetes:
      break;
    case TokenMaker::agents:
      notes.push_back(
          fmt::format("Kubernetes {} makes no other by itself: the agents do when they "
                      "start, and retrust where none of them does",
                      kubernetes));
      break;
    case TokenMaker::retrust:
      notes.push_back(
          fmt::format("neither Kubernetes {} nor these agents make another: retrust "
                      "does, and lists it first in the service account cattle",
                      kubernetes));
      break;
  }
  return notes;
}

}  // namespace

PlannedStep plan_token_deletion(const Observation& seen, const PlanOptions& options,
                                const Progress& progress) {
  const Step step = Step::delete_token;
  if (progress.performed.contains(step)) return {step, Need::not_needed, "done"};
  const auto maker = token_maker(seen);
  const auto none = seen.downstream.tokens.empty();
  if (none && maker == TokenMaker::agents) {
    return {step, Need::not_needed,
            "there is no token secret of cattle: the agents make one when they start"};
  }
  if (none && maker == TokenMaker::kubernetes) {
    return {step, Need::needed, "there is no token secret of cattle: wait for a new one"};
  }
  auto reason = none ? std::string("there is no token secret of cattle: make one")
                     : why_delete(seen, options);
  if (reason.empty()) reason = account_trouble(seen);
  if (!reason.empty()) {
    return {step, Need::needed, std::move(reason), commands_for(seen, options), notes_for(seen)};
  }
  return {step, Need::not_needed,
          fmt::format("the cluster accepts the token in {}", seen.live()->name)};
}

bool token_is_to_come(const Observation& seen, const PlanOptions& options,
                      const Progress& progress) {
  const auto deletion = plan_token_deletion(seen, options, progress).need == Need::needed &&
                        !options.skip.contains(Step::delete_token);
  return deletion || (seen.live() == nullptr && token_maker(seen) == TokenMaker::agents);
}

PlannedStep plan_token_reading(const Observation& seen, const PlanOptions& options,
                               const Progress& progress) {
  const Step step = Step::get_token;
  const auto need = progress.performed.contains(step) ? Need::not_needed : Need::needed;
  const auto* live = seen.live();
  const auto to_come = token_is_to_come(seen, options, progress);
  if (to_come && token_maker(seen) == TokenMaker::agents) {
    return {step,
            need,
            "reads the token that the agents will have made",
            {shell_line(options.downstream_kubectl,
                        Kubectl::get_args(commands::accounts_and_secrets(options.name_space)))}};
  }
  if (to_come || live == nullptr) {
    return {step,
            need,
            "reads the token that Rancher should have, by the watch of 2.1",
            {shell_line(options.downstream_kubectl,
                        Kubectl::watch_args(commands::token_secrets(options.name_space)))}};
  }
  return {step,
          need,
          "reads the token that Rancher should have",
          {shell_line(options.downstream_kubectl,
                      Kubectl::get_args(commands::secret(options.name_space, live->name)))}};
}

}  // namespace retrust
