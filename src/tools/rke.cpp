#include "tools/rke.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/lines.h"
#include "base/text.h"
#include "process/executable.h"
#include "tools/announced.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// Limit in bytes of the output that retrust reads: a snapshot of many hosts prints some KiB.
constexpr std::size_t most_log = std::size_t{1} << 20U;

}  // namespace

Arguments Rke::save_args(const std::string& name, const std::string& config) {
  return Arguments{"etcd", "snapshot-save"}.path("--name", name).path("--config", config);
}

awaitable<Outcome> Rke::start(Arguments args, std::string section, TimeLimit deadline,
                              Weight weight) const {
  Announcement announcement;
  announcement.section = std::move(section);
  announcement.line = shell_line({name_}, args);
  announcement.name = "rke " + args.list().front();
  announcement.about.program = program_;
  announcement.output = Output::public_text;
  announcement.weight = weight;
  Command command;
  command.program = program_;
  command.args = args.list();
  command.deadline = deadline;
  command.output_limit = most_log;
  command.excess = Excess::is_dropped;
  if (weight == Weight::routine) command.on_parent_death = OnParentDeath::ends_child;
  return run_announced(*runner_, *events_, std::move(announcement), std::move(command));
}

awaitable<DisplayText> Rke::version() {
  std::vector<std::string> candidates{"rke", "rke_linux-amd64"};
  if (!name_.empty()) candidates.assign(1, name_);
  Outcome outcome;
  for (const auto& candidate : candidates) {
    name_ = candidate;
    program_ = absolute_program(candidate);
    Arguments args{"--version"};
    outcome = co_await start(std::move(args), std::string(), command_timeout_, Weight::routine);
    if (outcome.ending != Ending::not_found) break;
  }
  if (!outcome.succeeded() || !contains(outcome.out, "rke version")) {
    const auto missing = outcome.ending == Ending::not_found;
    throw Failure(FailureCode::no_program,
                  missing ? fmt::format("cannot find {}", enumerated(candidates))
                          : fmt::format("{} --version does not answer as rke does", name_),
                  "name the rke that installed Rancher's cluster, e.g. --rke ./rke_linux-amd64",
                  own_words(outcome));
  }
  co_return outcome.out;
}

awaitable<SnapshotLog> Rke::save_snapshot(std::string name, std::string config,
                                          Partial partial) const {
  const auto outcome =
      co_await start(save_args(name, config), "1.2", std::nullopt, Weight::documented);
  auto log = read_snapshot_log(outcome.out + "\n" + outcome.err);
  const auto told = own_words(outcome);
  const auto detail = joined(texts_of(log.warnings)) + (told.empty() ? "" : "\n" + told);
  if (!outcome.succeeded() && log.taken != SnapshotLog::Taken::nowhere) {
    const auto happened =
        fmt::format("rke failed after it had taken the snapshot: {}", ending_text(outcome));
    // rancher/rke 3028, 3099, 3135.
    if (contains(outcome.err, "panic: ")) {
      throw SnapshotTaken(
          FailureCode::backup_failed, happened,
          fmt::format("nothing else was changed; rke 1.3.14, 1.4.0 and 1.4.1 end so with every "
                      "name. Look at the etcd hosts for /opt/rke/etcd-snapshots/{}.zip, and "
                      "run again with a newer rke",
                      name),
          detail);
    }
    throw SnapshotTaken(FailureCode::backup_failed, happened,
                        "nothing else was changed; see to what rke says, then run again with "
                        "another --snapshot-name",
                        detail);
  }
  if (log.taken == SnapshotLog::Taken::nowhere) {
    throw Failure(FailureCode::backup_failed,
                  outcome.succeeded() ? "rke did not say that the snapshot was saved"
                                      : fmt::format("rke failed: {}", ending_text(outcome)),
                  "nothing was changed; see to what rke says, then run again with another "
                  "--snapshot-name",
                  detail);
  }
  if (log.taken == SnapshotLog::Taken::somewhere && partial == Partial::refused) {
    std::vector<std::string> reasons;
    if (!log.unreachable.empty()) {
      reasons.push_back(
          fmt::format("rke could not reach {}", enumerated(texts_of(log.unreachable))));
    }
    if (log.some_failed) reasons.emplace_back("some etcd hosts failed");
    const auto left_out = enumerated(reasons);
    throw SnapshotTaken(
        FailureCode::backup_failed,
        fmt::format("the snapshot is not on every etcd host: {}", left_out),
        "nothing else was changed; mend that and run again, or give --allow-partial-backup "
        "where the other hosts' snapshots are enough (or those are no etcd hosts)",
        detail);
  }
  co_return log;
}

}  // namespace retrust
