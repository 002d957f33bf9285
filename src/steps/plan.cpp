#include "steps/plan.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "base/text.h"
#include "observe/live_account.h"
#include "steps/step.h"
#include "transcript/plan_text.h"

namespace retrust {

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

Order order_of(const Observation& observation) {
  const auto first = is_ranchers_own(observation) || observation.registration.keeps_out();
  return first ? Order::record_first : Order::usual;
}

namespace {

/// The steps in an order. The backups come first in each.
std::vector<Step> steps_in(Order order) {
  if (order == Order::record_first) {
    return {Step::backup_container, Step::backup_etcd, Step::backup_rancher, Step::make_token,
            Step::get_token, Step::get_ca, Step::update_cluster,
            // Agents that start report the token of an old secret, as long as it is there.
            Step::delete_token, Step::repair_impersonation, Step::redeploy_agents,
            Step::recreate_agents, Step::check_cluster, Step::restart_rancher};
  }
  std::vector<Step> steps;
  for (const auto& info : all_steps()) steps.push_back(info.step);
  return steps;
}

}  // namespace

Plan make_plan(const Observation& observation, const PlanOptions& options, const RunState& state) {
  Plan plan;
  const Situation situation{observation, options, state};
  auto something_changes = false;
  const auto add = [&](const StepInfo& info) {
    const auto backup = info.effect == StepInfo::Effect::saves;
    const auto done = situation.performed(info.step) && info.effect != StepInfo::Effect::reads;
    auto planned = done ? PlannedStep{info.step, Need::not_needed, "done"}
                        : work_of(info.step).plan(situation);
    if (backup && options.backup.kind == BackupChoice::Kind::none) {
      planned = {info.step, Need::waived, std::string(waived_backup)};
    }
    if (!backup && options.skip.contains(planned.step)) {
      planned.need = Need::skipped;
      planned.reason = "skipped, as asked; otherwise: " + planned.reason;
    }
    const auto effect = work_of(info.step).effect;
    if (comes(planned.need) && effect != nullptr) planned.effect = effect(options);
    if (comes(planned.need) && info.effect == StepInfo::Effect::changes) something_changes = true;
    if (comes(planned.need) && backup && !something_changes && options.extent == Extent::needed) {
      planned.need = Need::not_needed;
      planned.reason = "nothing is changed, so nothing has to be saved";
    }
    if (!comes(planned.need)) {
      planned.commands.clear();
      planned.notes.clear();
    }
    plan.steps.push_back(std::move(planned));
  };
  // Backups are planned last, because their need depends on the changes.
  const auto steps = steps_in(situation.order());
  for (const auto step : steps) {
    if (info_of(step).effect != StepInfo::Effect::saves) add(info_of(step));
  }
  const auto others = static_cast<std::ptrdiff_t>(plan.steps.size());
  for (const auto step : steps) {
    if (info_of(step).effect == StepInfo::Effect::saves) add(info_of(step));
  }
  std::rotate(plan.steps.begin(), plan.steps.begin() + others, plan.steps.end());
  return plan;
}

std::string steps_text(const Plan& plan) {
  std::string text;
  for (const auto& planned : plan.steps) {
    const auto& info = info_of(planned.step);
    if (!comes(planned.need) || info.effect == StepInfo::Effect::reads) continue;
    text += fmt::format("{}{}{} {}", text.empty() ? "" : ", ",
                        planned.need == Need::depends ? "if needed " : "", info.section, info.name);
  }
  return text;
}

std::string effects_text(const Plan& plan) {
  std::string text;
  for (const auto& planned : plan.steps) {
    if (!planned.effect.empty()) text += planned.effect + ". ";
  }
  return text;
}

namespace {

/// The commands without the version of an object, which changes with every heartbeat.
std::vector<std::string> without_versions(std::vector<std::string> commands) {
  constexpr std::string_view option = " --resource-version=";
  for (auto& command : commands) {
    const auto begin = command.find(option);
    if (begin == std::string::npos) continue;
    const auto end = command.find(' ', begin + option.size());
    command.erase(begin, end == std::string::npos ? end : end - begin);
  }
  return commands;
}

}  // namespace

std::string_view what_changed(const PlannedStep& before, const PlannedStep& now) {
  if (comes(now.need) && !comes(before.need)) return "has come to be needed";
  if (before.need == Need::needed && !comes(now.need)) return "is not needed any more";
  const auto same = without_versions(before.commands) == without_versions(now.commands);
  return comes(now.need) && !same ? "concerns other objects now" : "";
}

std::string changes_text(const Plan& before, const Plan& now) {
  std::vector<std::string> changes;
  for (const auto& planned : now.steps) {
    const auto& info = info_of(planned.step);
    const auto what = what_changed(before[planned.step], planned);
    if (info.effect != StepInfo::Effect::changes || what.empty()) continue;
    changes.push_back(fmt::format("{} {} {}", info.section, info.name, what));
  }
  return enumerated(changes);
}

std::vector<ShownStep> shown(const Plan& plan) {
  std::vector<ShownStep> steps;
  for (const auto& planned : plan.steps) {
    const auto& info = info_of(planned.step);
    const auto hidden = info.shown == StepInfo::Shown::when_it_comes && !comes(planned.need) &&
                        planned.need != Need::skipped;
    if (hidden) continue;
    // A step that only reads is no need of anybody's.
    const auto reads = planned.need == Need::needed && info.effect == StepInfo::Effect::reads;
    auto notes = planned.notes;
    if (!planned.effect.empty()) notes.push_back(planned.effect);
    steps.push_back({std::string(info.section), std::string(info.name),
                     reads ? Need::reads : planned.need, info.effect == StepInfo::Effect::changes,
                     planned.reason, planned.commands, std::move(notes)});
  }
  return steps;
}

}  // namespace retrust
