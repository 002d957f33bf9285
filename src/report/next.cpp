#include "report/next.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "observe/redeployment.h"
#include "observe/stuck_agents.h"
#include "report/affected.h"
#include "report/findings.h"
#include "report/reaching.h"

namespace retrust {
namespace {

using Given = CommandLine::Given;

/// Options that make a backup of Rancher.
constexpr std::array<std::string_view, 5> backup_options{"rancher-container", "rke-config", "k3s",
                                                         "rke2", "rancher-backup"};
/// Place for the choice of a backup in a command, if the operator has made none.
constexpr std::string_view backup_place = "--rke-config=FILE";

bool is_given(const std::vector<Given>& options, std::string_view name) {
  return std::any_of(options.begin(), options.end(),
                     [&](const Given& given) { return given.option->name == name; });
}

bool chooses_backup(const std::vector<Given>& options) {
  return std::any_of(backup_options.begin(), backup_options.end(),
                     [&](std::string_view name) { return is_given(options, name); });
}

/// True if only `list` takes the value of the option.
bool is_for_list_alone(const Given& given) {
  const auto& values = given.option->list_choices;
  const std::string_view word = given.words.back();
  const auto equals = word.find('=');
  const auto value = equals == std::string_view::npos ? word : word.substr(equals + 1);
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// The operator's options, also those of the environment and the file.
std::vector<Given> given_options(const Called& called) {
  auto given = split_command_line(called.args).options;
  auto elsewhere = split_command_line(called.elsewhere).options;
  given.insert(given.end(), std::make_move_iterator(elsewhere.begin()),
               std::make_move_iterator(elsewhere.end()));
  if (called.found.empty()) return given;
  constexpr std::array<std::string_view, 8> replaced{"kubeconfig", "context",      "all-contexts",
                                                     "cluster",    "all-clusters", "parallel",
                                                     "canary",     "max-failures"};
  std::erase_if(given, [&](const Given& each) {
    return std::find(replaced.begin(), replaced.end(), each.option->name) != replaced.end();
  });
  auto found = split_command_line(called.found).options;
  given.insert(given.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  return given;
}

/// Steps of the next command.
enum class Scope {
  same,          ///< those of a saved plan, if one is performed
  same_options,  ///< decided by the options: after a change a saved plan does not hold
  what_is_left,
};

/// A command line for the same clusters: the options that the command takes, also those of the
/// environment and the file. A required option that was not given has a placeholder.
std::string command_line(const Called& called, CommandName to, Scope scope,
                         std::vector<std::string> arguments = {}) {
  CommandLine line{given_options(called), split_command_line(called.args).others};
  const auto& commands = all_commands();
  const auto info = std::find_if(commands.begin(), commands.end(),
                                 [&](const CommandInfo& each) { return each.command == to; });
  const auto again = !line.others.empty() && line.others.front() == info->name;
  if (again && arguments.empty()) arguments.assign(line.others.begin() + 1, line.others.end());
  // What was not asked for by a look may not go on without a question.
  const auto rehearsed = is_given(line.options, "dry-run");
  const auto is_replaced = [&](std::string_view name) {
    return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
      return argument.starts_with(fmt::format("--{}=", name));
    });
  };
  const auto planned =
      to == CommandName::run &&
      (is_replaced("plan") || (scope == Scope::same && is_given(line.options, "plan")));
  // Another plan that is saved is for the same steps.
  const auto left = scope == Scope::what_is_left && !is_replaced("out");
  std::erase_if(line.options, [&](const Given& given) {
    const auto name = given.option->name;
    if (is_replaced(name) || is_for_list_alone(given)) return true;
    // A saved plan has the options that decide it.
    if (planned ? decides_plan(*given.option) : name == "plan") return true;
    // A folder with a transcript and the name of a snapshot cannot be used again.
    // A waiver of the backup, or of a refusal, is for the operator to type.
    return !applies_to(*given.option, to) || name == "run-dir" || name == "snapshot-name" ||
           name == "no-rancher-backup" || name == "allow-agent-loss" || name == "dry-run" ||
           (name == "yes" && (!again || to == CommandName::rollback || rehearsed)) ||
           (left && (name == "skip" || name == "all"));
  });
  std::vector<std::string> words{std::string(info->name)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (const auto& given : line.options) {
    words.insert(words.end(), given.words.begin(), given.words.end());
  }
  if (to != CommandName::rollback && to != CommandName::list) {
    if (!is_given(line.options, "kubeconfig")) words.emplace_back("--kubeconfig=FILE");
    if (planned) return fmt::format("{} {}", called.program, shell_line(words));
    if (!is_given(line.options, "cluster") && !is_given(line.options, "all-clusters") &&
        !is_replaced("cluster")) {
      words.emplace_back("--cluster=ID");
    }
    // A plan that is saved needs the choice of a backup, too.
    if ((to == CommandName::run || is_replaced("out")) && !chooses_backup(line.options)) {
      const auto offered = called.offers.option();
      words.push_back(offered.empty() ? std::string(backup_place) : offered);
    }
  }
  return fmt::format("{} {}", called.program, shell_line(words));
}

/// Words about the backup in a command of `run` that the operator did not choose: the choices for
/// its place, or why it is proposed. Empty if there is none.
std::string choices_for(const Called& called, const std::string& command) {
  if (command.find(backup_place) != std::string::npos) {
    return fmt::format(
        "in place of {} give the backup of Rancher that fits: --rke-config FILE, "
        "--rancher-container NAME, --k3s, --rke2 or --rancher-backup",
        backup_place);
  }
  const auto option = called.offers.option();
  const auto runs = command.starts_with(called.program + " run ");
  // The saved plan has the choice.
  if (option.empty() || !runs || command.find(" --plan=") != std::string::npos) return {};
  const auto given = given_options(called);
  if (chooses_backup(given)) return {};
  return fmt::format(
      "{} is a proposal, as {}: {}", option,
      is_given(given, "no-rancher-backup") ? "the backup was waived" : "no backup was chosen",
      called.offers.text());
}

/// The advice with words about its backup in the sentence.
Advice with_choices(const Called& called, Advice advice) {
  const auto choices = choices_for(called, advice.command);
  if (!choices.empty()) advice.sentence += fmt::format(" ({})", choices);
  return advice;
}

/// Adds words about the backup in the commands, if there are any.
void add_choices(std::vector<Advice>& next, const Called& called) {
  for (const auto& advice : next) {
    if (auto choices = choices_for(called, advice.command); !choices.empty()) {
      next.emplace_back(std::move(choices));
      return;
    }
  }
}

void add_tokens(std::vector<Advice>& next, const Called& called, const Observation& seen) {
  const auto& own = seen.user_tokens;
  if (own.rejected() == 0) return;
  if (own.doomed() > 0) {
    next.emplace_back(
        fmt::format(
            "the cluster rejects {} that Rancher gave its users or agents there (with them "
            "logs, the web shell, kubeconfigs from Rancher and Fleet fail); delete the ones "
            "that Rancher creates again",
            counted(own.doomed(), "token")),
        command_line(called, CommandName::step, Scope::what_is_left, {"3.2"}));
  }
  const auto kept = own.rejected() - own.doomed();
  if (kept > 0) {
    next.emplace_back(
        fmt::format("the cluster rejects {} there that nobody would make again, left alone for "
                    "that: see what was found, and whether what uses it has to be installed again",
                    counted(kept, "token")));
  }
}

/// The beginning of a command in the agents' namespace.
std::vector<std::string> kubectl_words(const Options& options, const Observation& seen) {
  auto words = downstream_words(options, seen);
  words.insert(words.end(), {"-n", options.name_space.text()});
  return words;
}

/// Adds how the agents get a registration token that Rancher knows.
void add_registration(std::vector<Advice>& next, const Called& called, const Options& options,
                      const Observation& seen) {
  if (is_cut_off(seen)) {
    auto words = local_words(options, seen);
    const auto args = commands::registration_command(seen.local.cluster.id);
    next.emplace_back(
        "no agent is connected, and none can connect again: register the cluster again with the "
        "command that Rancher's web pages show for it; see that command, perhaps with {token} in "
        "place of the token",
        shell_line(words, args));
  }
  if (!rancher_redeploys(seen)) return;
  next.emplace_back(
      "the agents' registration token is dead, and the tunnel that stands still works: let Rancher "
      "deploy its agents again through it",
      command_line(called, CommandName::step, Scope::what_is_left, {"redeploy-agents"}));
}

/// Adds how to see why agents do not run. False if they run.
bool add_stuck(std::vector<Advice>& next, const Options& options, const Observation& seen) {
  const auto stuck = stuck_agents(seen);
  if (stuck.empty()) return false;
  // A container that ran before has a log. Any other has events.
  const auto& pod = stuck.front().pod;
  auto words = kubectl_words(options, seen);
  if (pod.restarts > 0) {
    words.insert(words.end(), {"logs", pod.name.text(), "--previous", "--tail=50"});
  } else {
    words.insert(words.end(), {"describe", "pod", pod.name.text()});
  }
  next.emplace_back(stuck_text(stuck) + "; see why", shell_line(words));
  return true;
}

/// Adds the cause why a cluster with the right credentials may not be ready.
void add_other_cause(std::vector<Advice>& next, const Options& options, const Observation& seen) {
  const auto& ready = seen.local.cluster.ready;
  if (add_stuck(next, options, seen)) return;
  if (ready.status.empty() || ready.status == "True") return;
  // Rancher gives no message for a cluster that it does not start with: markUnavailable in
  // rancher/rancher v2.15.0, pkg/clustermanager/manager.go.
  next.emplace_back(
      fmt::format("Rancher has the live token and CA and does not say Ready: it tries again within "
                  "some minutes; where that stays so the cause is another one, which {} tells",
                  ready.message.empty() ? "Rancher's log" : "its message"));
}

}  // namespace

Advice completed(const Called& called, Advice advice) {
  const auto* command = advice.own.empty() ? nullptr : find_command(advice.own.front());
  if (command == nullptr) return advice;
  advice.command = command_line(called, command->command, Scope::what_is_left,
                                {advice.own.begin() + 1, advice.own.end()});
  return with_choices(called, std::move(advice));
}

Advice with_way(Called called, CommandName command, std::vector<std::string> way,
                std::string sentence) {
  called.found = std::move(way);
  return {std::move(sentence), command_line(called, command, Scope::same)};
}

Advice performing(const Called& called, const std::string& file) {
  return {"do exactly this",
          command_line(called, CommandName::run, Scope::same, {"--plan=" + file})};
}

Advice with_backup(Called called, CommandName command, std::string option, std::string sentence) {
  called.elsewhere.push_back(std::move(option));
  return {std::move(sentence), command_line(called, command, Scope::same)};
}

std::vector<Advice> next_after_look(const Called& called, const Options& options,
                                    const Observation& seen, const Plan& plan) {
  std::vector<Advice> next;
  if (!differs(seen, plan)) {
    if (seen.comparison().ca == Comparison::Part::gained) {
      next.emplace_back(
          "to store the certificates too that the cluster's CA gained",
          command_line(called, CommandName::step, Scope::what_is_left, {"update-cluster"}));
    }
    add_other_cause(next, options, seen);
    add_registration(next, called, options, seen);
    add_tokens(next, called, seen);
    add_affected(next, options, seen);
    return next;
  }
  if (is_cut_off(seen)) {
    add_registration(next, called, options, seen);
    return next;
  }
  add_stuck(next, options, seen);
  if (options.command == CommandName::status) {
    next.emplace_back("see what would be done",
                      command_line(called, CommandName::plan, Scope::same));
    add_affected(next, options, seen);
    return next;
  }
  if (options.plan_out.empty()) {
    next.emplace_back("do it", command_line(called, CommandName::run, Scope::same));
    add_choices(next, called);
  } else {
    next.push_back(performing(called, options.plan_out));
  }
  add_affected(next, options, seen);
  return next;
}

std::vector<Advice> next_after_list(const Called& called, const ListedCluster& first) {
  const auto command = command_line(called, CommandName::status, Scope::same,
                                    {fmt::format("--cluster={}", first.id)});
  const auto file = command.find("--kubeconfig=FILE") != std::string::npos
                        ? "; give its kubeconfig in place of FILE"
                        : "";
  return {{fmt::format("{} ({}) is the most urgent; compare what Rancher and the cluster have{}",
                       first.display_name, first.id, file),
           command}};
}

std::vector<Advice> next_after_change(const Called& called, const Options& options,
                                      const Observation& seen, const Plan& plan, Repaired repaired,
                                      WayBack way_back, const std::string& folder) {
  std::vector<Advice> next;
  if (repaired == Repaired::after_silence) {
    // The label is from rancher/rancher 4836788407d5, pkg/systemtemplate/template.go.
    auto words = kubectl_words(options, seen);
    words.insert(words.end(), {"logs", "-l", "app=cattle-cluster-agent", "--since=15m"});
    next.emplace_back("find out why the agents did not report", shell_line(words));
  }
  std::vector<std::string> open;
  for (const auto& step : plan.steps) {
    const auto& info = info_of(step.step);
    const auto changes = info.effect == StepInfo::Effect::changes;
    if (changes && step.need == Need::needed)
      open.push_back(std::string(info.section) + " " + std::string(info.name));
  }
  if (!open.empty()) {
    next.emplace_back(fmt::format("still needed: {}; do what is left", enumerated(open)),
                      command_line(called, CommandName::run, Scope::what_is_left));
    add_choices(next, called);
  } else if (!seen.comparison().equal()) {
    next.emplace_back(
        "Rancher's credentials did not match the cluster's at the last check; check again",
        command_line(called, CommandName::status, Scope::what_is_left));
  } else {
    add_other_cause(next, options, seen);
  }
  add_registration(next, called, options, seen);
  add_tokens(next, called, seen);
  add_affected(next, options, seen);
  if (!folder.empty()) add_backup(next, called, way_back, folder);
  return next;
}

std::vector<Advice> next_before_change(const Called& called, const Options& options,
                                       const Advice& advice) {
  // Every advice that ends so has these words.
  const auto again = advice.sentence.find("run again") != std::string::npos;
  if (!advice.own.empty() || (!advice.empty() && !again)) return {};
  std::vector<Advice> next{
      {again ? "run the same again" : "mend the cause of the failure, then run the same again",
       command_line(called, options.command, Scope::same)}};
  add_choices(next, called);
  return next;
}

Advice advice_if_killed(const Called& called, const Options& options) {
  return with_choices(called, {"see whether retrust still runs; if it does not, do what is left",
                               command_line(called, options.command, Scope::same_options)});
}

Advice advice_after_no(const Called& called, const Options& options, BackupMade backup) {
  const auto* begins =
      backup == BackupMade::no
          ? "nothing of this was done. To do it, give the command again and answer yes"
          : "the backup that was made stays, and no more was done. To do the rest, "
            "give the command again and answer yes, which makes another backup";
  return with_choices(called, {begins, command_line(called, options.command, Scope::same)});
}

std::vector<Advice> next_after_failure(const Called& called, const Options& options,
                                       WayBack way_back, const std::string& folder) {
  std::vector<Advice> next{{"what was changed stays; do what is left",
                            command_line(called, options.command, Scope::same_options)}};
  add_choices(next, called);
  if (!folder.empty()) add_backup(next, called, way_back, folder);
  return next;
}

void add_backup(std::vector<Advice>& next, const Called& called, WayBack way_back,
                const std::string& folder) {
  next.emplace_back(fmt::format(
      "{}/backup has what Rancher had stored, the old token included: keep it safe, and delete it "
      "when nobody needs it",
      folder));
  if (way_back == WayBack::none) return;
  next.emplace_back("to undo this run, put that back",
                    command_line(called, CommandName::rollback, Scope::what_is_left, {folder}));
}

}  // namespace retrust
