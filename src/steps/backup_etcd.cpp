// Section 1.2: takes a snapshot of the etcd of Rancher's own cluster, by rke, k3s or RKE2.
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "base/folder.h"
#include "base/text.h"
#include "base/trust.h"
#include "choices/snapshot_names.h"
#include "steps/context.h"
#include "steps/step.h"

namespace retrust {

using boost::asio::awaitable;
namespace fs = std::filesystem;

namespace {

/// The program that takes the snapshot, as a person would type it.
std::string snapshot_program(const Observation& observation, std::string_view otherwise) {
  const auto& named = observation.backup.tool_named;
  return named.empty() ? std::string(otherwise) : named;
}

PlannedStep plan(const Situation& situation) {
  const auto& options = situation.options;
  const auto step = Step::backup_etcd;
  const auto& choice = options.backup;
  const auto distribution = choice.distribution();
  if (choice.kind != BackupChoice::Kind::etcd && !distribution) {
    return {step, Need::not_needed, "neither rke's configuration, k3s nor RKE2 was named"};
  }
  if (distribution) {
    const auto program = std::string(name_of(*distribution));
    return {
        step,
        Need::needed,
        fmt::format("snapshots etcd on this node, as {}-NODE-TIME", choice.snapshot),
        {shell_line({snapshot_program(situation.seen, program)}, K3s::save_args(choice.snapshot))},
        {fmt::format("goes to {}/server/db/snapshots, where {} is not set to another folder",
                     choice.data_folder, program),
         fmt::format("cannot be restored without {}/server/token: keep a copy of that too",
                     choice.data_folder)}};
  }
  return {step,
          Need::needed,
          fmt::format("snapshots etcd on each of its hosts, as {}", choice.snapshot),
          {shell_line({snapshot_program(situation.seen, "rke")},
                      Rke::save_args(choice.snapshot, choice.rke_config))}};
}

void check(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& used = seen.backup.used_name;
  if (used.empty()) return;
  throw Failure(FailureCode::backup_failed,
                fmt::format("a snapshot called {} was taken before: rke would overwrite it", used),
                "give another --snapshot-name, or none");
}

/// Size in bytes; nothing if there is no such file, or none that we may see.
std::optional<std::uintmax_t> size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? std::nullopt : std::optional(size);
}

[[noreturn]] void no_file(std::string_view program, const std::string& name, std::string found) {
  throw Failure(
      FailureCode::backup_failed,
      fmt::format("{} says that it saved the snapshot {}, but {}", program, name, found),
      fmt::format("nothing else was changed; see {} etcd-snapshot ls, then run again", program));
}

/// Takes the snapshot and looks for its file. Throws Failure (refused) if there is no such file.
awaitable<void> save_k3s_snapshot(Context context) {
  const auto& choice = context.options().backup;
  const auto& journal = context.journal();
  const auto& k3s = context.tools().k3s;
  const auto program = name_of(k3s.distribution());
  const auto log = co_await k3s.save_snapshot(choice.snapshot, choice.data_folder);
  for (const auto& warning : log.warnings) {
    journal.warning(fmt::format("{}: {}", program, warning));
  }
  const auto& name = log.name;
  context.state().backups.push_back(fmt::format("etcd's snapshot {}, as {} says", name, program));
  const auto usual = fs::path(choice.data_folder) / "server" / "db" / "snapshots" / log.name.str();
  auto path = log.path.empty() ? usual.string() : log.path.str();
  auto size = size_of(path);
  std::string seen = size ? fmt::format("{} bytes", *size) : "";
  if (!size) {
    // The server's configuration may name another folder of snapshots.
    const auto listed = co_await k3s.find(log.name);
    if (listed.path.empty() || is_missing(listed.path.str())) {
      no_file(program, name, "there is no such file");
    }
    path = listed.path;
    size = size_of(path);
    seen = size ? fmt::format("{} bytes", *size)
                : fmt::format("{} bytes, as {} lists it", listed.size, program);
    if (!size && listed.size == "0") size = 0;
  }
  if (size && *size == 0) no_file(program, name, "its file is empty");
  journal.change(
      fmt::format("etcd's snapshot {} was taken on this node: there it is {} ({}); to be restored "
                  "it needs {}/server/token, too",
                  name, path, seen, choice.data_folder));
}

awaitable<void> run(Context context) {
  const auto& choice = context.options().backup;
  if (choice.distribution()) {
    co_await save_k3s_snapshot(context);
    co_return;
  }
  // The name is remembered before the command, because a command that fails half-way has used the
  // name.
  try {
    remember(choice.state_folder, choice.snapshot);
  } catch (const Untrusted&) {
    throw;
  } catch (const Failure& error) {
    context.journal().warning(
        fmt::format("the name of the snapshot cannot be remembered: {}", error.what()));
  }
  SnapshotLog log;
  try {
    log = co_await context.tools().rke.save_snapshot(choice.snapshot, choice.rke_config,
                                                     choice.partial);
  } catch (const SnapshotTaken&) {
    context.state().backups.push_back(
        fmt::format("etcd's snapshot {} on some of its hosts at least", choice.snapshot));
    throw;
  }
  context.state().backups.push_back(fmt::format("etcd's snapshot {}", choice.snapshot));
  for (const auto& warning : log.warnings) {
    context.journal().warning(fmt::format("rke: {}", warning));
  }
  const auto& told = context.seen().backup.tool_version.str();
  const auto version = parse_version(told.substr(told.rfind(' ') + 1));
  // rancher/rke 1480.
  if (version && *version >= Version{0, 2, 0} && *version < Version{0, 2, 7}) {
    context.journal().warning(
        fmt::format("{} says that it saved a snapshot even where it failed: look for {} in "
                    "/opt/rke/etcd-snapshots on each etcd host",
                    told, choice.snapshot));
  }
  if (log.taken == SnapshotLog::Taken::somewhere) {
    context.journal().warning("the snapshot is not on every etcd host, which was tolerated");
  }
  context.journal().change(fmt::format(
      "etcd's snapshot {} was taken on {}{}: there it is /opt/rke/etcd-snapshots/{} "
      "(or .zip)",
      choice.snapshot, log.some_failed ? "some of " : "",
      log.hosts.empty() ? "its hosts" : enumerated(texts_of(log.hosts)), choice.snapshot));
}

StepResult result(const Observation&) {
  return {"a snapshot of the etcd of Rancher's cluster is saved"};
}

}  // namespace

extern const StepWork backup_etcd{.plan = plan, .run = run, .result = result, .check = check};

}  // namespace retrust
