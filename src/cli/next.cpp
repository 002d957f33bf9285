#include "cli/next.h"

#include <algorithm>

#include <fmt/format.h>

#include "runbook/findings.h"
#include "transcript/text.h"

namespace retrust {
namespace {

/// The same command line with another command in it.
std::string with_command(const Called& called, std::string_view from, std::string_view to,
                         std::vector<std::string> more) {
  auto args = called.args;
  const auto found = std::find(args.begin(), args.end(), from);
  if (found != args.end()) *found = to;
  args.insert(args.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
  return fmt::format("{} {}", called.program, shell_line(args));
}

void add_tokens(std::vector<std::string>& next, const Observation& seen) {
  if (seen.own_tokens.doomed() == 0) return;
  next.push_back(
      "logs and the web shell fail for the users whose tokens are rejected: retrust step 3.2 "
      "deletes those, so that Rancher makes new ones");
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
    next.push_back("see what would be done: " + with_command(called, "status", "plan", {}));
    return next;
  }
  const auto chosen = options.backup.kind != BackupChoice::Kind::not_chosen;
  next.push_back("do it: " + with_command(called, "plan", "run",
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
                                           const std::string& folder) {
  std::vector<std::string> next;
  add_other_cause(next, seen);
  add_tokens(next, seen);
  next.push_back(
      fmt::format("keep {}/backup safe, and delete it when it is not needed any longer: "
                  "the old token is in it; {} rollback {} puts back what Rancher had "
                  "stored",
                  folder, called.program, folder));
  return next;
}

}  // namespace retrust
