#include "cli/next.h"

#include <algorithm>

#include <fmt/format.h>

#include "runbook/findings.h"
#include "transcript/text.h"

namespace retrust {
namespace {

/// Whether the word is an option whose value is the next word.
bool takes_next(std::string_view word) {
  if (word.size() < 2 || word.front() != '-' || word.find('=') != std::string_view::npos)
    return false;
  const auto& options = all_options();
  return std::any_of(options.begin(), options.end(), [&](const OptionInfo& info) {
    const auto named =
        word.starts_with("--") ? word.substr(2) == info.name : word.substr(1) == info.letter;
    return named && !info.argument.empty();
  });
}

/// The same command line with another command in it: in the place of the first word that is neither
/// an option nor its value.
std::string with_command(const Called& called, std::string_view to, std::vector<std::string> more) {
  auto args = called.args;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (takes_next(args[i])) {
      ++i;
    } else if (!args[i].starts_with('-')) {
      args[i] = to;
      break;
    }
  }
  args.insert(args.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
  return fmt::format("{} {}", called.program, shell_line(args));
}

void add_tokens(std::vector<std::string>& next, const Observation& seen) {
  const auto& own = seen.own_tokens;
  if (own.rejected() == 0) return;
  if (own.doomed() > 0) {
    next.push_back(
        fmt::format("the cluster rejects {} that Rancher gave its users or agents there (logs and "
                    "the web shell fail with them): step 3.2 deletes what is made again",
                    counted(own.doomed(), "token")));
  }
  const auto kept = own.rejected() - own.doomed();
  if (kept > 0) {
    next.push_back(
        fmt::format("the cluster rejects {} there that nobody would make again, left alone for "
                    "that: see what was found, and whether what uses it has to be installed again",
                    counted(kept, "token")));
  }
}

/// Why a cluster whose credentials are right may not be ready.
void add_other_cause(std::vector<std::string>& next, const Observation& seen) {
  const auto& ready = seen.local.cluster.ready;
  if (ready.status.empty() || ready.status == "True") return;
  next.push_back(
      "Rancher has the live token and CA and does not say Ready: it tries again within some "
      "minutes; where that stays so the cause is another one, which its message tells");
}

}  // namespace

std::vector<std::string> next_after_look(const Called& called, const Options& options,
                                         const Observation& seen, const Plan& plan) {
  std::vector<std::string> next;
  if (!differs(seen, plan)) {
    add_other_cause(next, seen);
    add_tokens(next, seen);
    return next;
  }
  if (options.command == CommandName::status) {
    next.push_back("see what would be done: " + with_command(called, "plan", {}));
    return next;
  }
  const auto chosen = options.backup.kind != BackupChoice::Kind::not_chosen;
  next.push_back("do it: " + with_command(called, "run",
                                          chosen
                                              ? std::vector<std::string>{}
                                              : std::vector<std::string>{"--no-rancher-backup"}));
  if (!chosen) {
    next.push_back(
        "instead of --no-rancher-backup better one of --rancher-container NAME, --rke-config "
        "FILE, --k3s and --rke2: it backs Rancher up first");
  }
  return next;
}

std::vector<std::string> next_after_change(const Called& called, const Observation& seen,
                                           const Plan& plan, Repaired repaired,
                                           const std::string& folder) {
  std::vector<std::string> next;
  if (repaired == Repaired::after_silence) {
    next.emplace_back(
        "find out why the agents did not report: the logs of cattle-cluster-agent say");
  }
  std::vector<std::string> open;
  for (const auto& step : plan.steps) {
    const auto& info = info_of(step.step);
    const auto changes = info.effect == StepInfo::Effect::changes;
    if (changes && step.need == Need::needed)
      open.push_back(std::string(info.section) + " " + std::string(info.name));
  }
  if (!open.empty()) {
    next.push_back(fmt::format("still needed: {}; {} run does what is left", enumerated(open),
                               called.program));
  } else if (!seen.comparison().equal()) {
    next.push_back(fmt::format(
        "stored and live credentials differed when it was looked: {} status tells whether they "
        "still do",
        called.program));
  } else {
    add_other_cause(next, seen);
  }
  add_tokens(next, seen);
  if (!folder.empty()) next.push_back(about_backup(called.program, folder));
  return next;
}

std::vector<std::string> next_after_failure(const Called& called, const std::string& folder) {
  return {
      "what was changed stays; run the same again (into another --run-dir, where one was given): "
      "what is left to do is read from the clusters",
      about_backup(called.program, folder)};
}

std::string about_backup(const std::string& program, const std::string& folder) {
  return fmt::format(
      "{0}/backup has what Rancher had stored, the old token included: keep it safe, and delete it "
      "when nobody needs it; {1} rollback {0} puts that back",
      folder, program);
}

}  // namespace retrust
