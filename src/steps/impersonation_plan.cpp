#include "steps/impersonation_plan.h"

#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "tools/kubectl.h"

namespace retrust {
namespace {

/// "2 of 3 tokens in cattle-impersonation-system", for each namespace.
std::string rejected_text(const OwnTokens& own) {
  std::vector<std::string> parts;
  for (const auto& group : own.groups) {
    if (group.rejected == 0) continue;
    parts.push_back(fmt::format("{} of {} {} in {}", group.rejected, group.total,
                                group.owner == TokenOwner::user ? "users' tokens" : "other tokens",
                                group.name_space));
  }
  return fmt::format("the cluster rejects {}", enumerated(parts));
}

/// What is left alone, group by group.
std::vector<std::string> kept_texts(const OwnTokens& own) {
  std::vector<std::string> texts;
  for (const auto& group : own.groups) {
    for (const auto& [why, count] : group.kept_because) {
      texts.push_back(fmt::format("{} of those in {} {} left alone: {}", count, group.name_space,
                                  count == 1 ? "is" : "are", why));
    }
  }
  return texts;
}

}  // namespace

PlannedStep plan_impersonation_repair(const Observation& observation, const PlanOptions& options,
                                      const Progress& progress) {
  const auto step = Step::repair_impersonation;
  if (progress.performed.contains(step)) return {step, Need::not_needed, "done"};
  const auto& own = observation.own_tokens;
  const auto wanted = options.impersonation == Impersonation::repair;
  switch (own.look) {
    case OwnTokens::Look::none: {
      const auto& rancher = observation.local.rancher;
      const auto old = rancher.version && *rancher.version < Version{2, 6, 0};
      return {step, Need::not_needed,
              old ? fmt::format("Rancher {} has no accounts for its users", rancher.version_text)
                  : "no accounts of Rancher's users were looked at"};
    }
    case OwnTokens::Look::failed:
      return {step, wanted ? Need::needed : Need::not_needed,
              fmt::format("the tokens of Rancher's users cannot be looked at: {}", own.trouble)};
    case OwnTokens::Look::done:
      break;
  }
  if (own.rejected() == 0) {
    return {step, Need::not_needed,
            own.total() == 0
                ? "there are no tokens of Rancher's users"
                : fmt::format("the cluster rejects none of {}", counted(own.total(), "token"))};
  }
  const auto rejected = rejected_text(own);
  auto notes = kept_texts(own);
  if (own.doomed() == 0) {
    return {step, Need::not_needed, fmt::format("{}; {}", rejected, enumerated(notes))};
  }
  if (!wanted) {
    return {step, Need::not_needed,
            fmt::format("{}; --repair-impersonation deletes {}", rejected,
                        notes.empty() ? "them" : "some of them")};
  }
  std::vector<std::string> shown;
  for (const auto& group : own.groups) {
    if (group.doomed() == 0) continue;
    const auto path = fmt::format("/api/v1/namespaces/{}/secrets?...", group.name_space);
    auto command =
        shell_line(options.downstream_kubectl, Arguments{"get", "--raw"}.absolute_path(path));
    if (shown.empty() || shown.back() != command) shown.push_back(std::move(command));
  }
  for (const auto& args :
       {Kubectl::create_args(), commands::versions_given(), commands::delete_given()}) {
    shown.push_back(shell_line(options.downstream_kubectl, args));
  }
  notes.insert(
      notes.begin(),
      {"goes beyond the documentation, inferred from Rancher's source: it makes another token when "
       "a user who has none looks at logs or opens the shell",
       "only what the cluster rejects when it is asked once more is deleted; cannot be taken "
       "back"});
  return {step, Need::needed, rejected, std::move(shown), std::move(notes)};
}

}  // namespace retrust
