// Section 1: Rancher itself is backed up before anything is changed.
#include <exception>
#include <filesystem>

#include <fmt/format.h>

#include "backup/archive_check.h"
#include "backup/tar_reader.h"
#include "runbook/execution.h"
#include "runbook/k3s_backup.h"
#include "runbook/snapshot_names.h"
#include "transcript/private_file.h"
#include "transcript/text.h"
#include "transcript/trust.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

constexpr const char* by_hand =
    "nothing was changed; run again, or back Rancher up by hand and give --no-rancher-backup";

/// Takes the archive out of the stream that `docker cp … -` prints, writes it down and checks it.
class ArchiveFile {
 public:
  ArchiveFile(const Folder& folder, std::string name, std::function<void(std::string)> on_progress)
      : file_(folder, std::move(name)),
        check_(std::string(rancher_data.substr(1))),
        stream_([this](const TarReader::Entry& entry) { begin(entry); },
                [this](std::string_view content) { take(content); }),
        on_progress_(std::move(on_progress)) {}

  void feed(std::string_view piece) { stream_.feed(piece); }

  /// Returns when the file is on the disk, under its name.
  ArchiveSummary keep() {
    if (!stream_.ended()) throw std::runtime_error("docker cp did not print all of it");
    auto summary = check_.finish();
    file_.keep();
    return summary;
  }

 private:
  void begin(const TarReader::Entry& entry) {
    if (begun_ || entry.type != '0') throw std::runtime_error("docker cp printed something else");
    begun_ = true;
    size_ = entry.size;
  }

  void take(std::string_view content) {
    file_.write(content);
    check_.feed(content);
    copied_ += content.size();
    const auto percent = copied_ * 100 / size_;
    if (percent == percent_) return;
    percent_ = percent;
    on_progress_(fmt::format("{} of {}", size_text(copied_ / 1024), size_text(size_ / 1024)));
  }

  BackupFile file_;
  ArchiveCheck check_;
  TarReader stream_;
  std::function<void(std::string)> on_progress_;
  bool begun_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t copied_ = 0;
  std::uint64_t percent_ = 0;
};

/// Progress alone: whatever becomes of it, the work that it tells of goes on.
awaitable<void> tell_size(Docker docker, std::string container, std::string file,
                          std::function<void(std::uint64_t)> on_size) {
  try {
    co_await docker.follow_size(std::move(container), std::move(file), std::move(on_size));
  } catch (...) {
  }
}

}  // namespace

void Execution::progress(const std::string& section, std::string text) const {
  events_.emit({.kind = EventKind::wait_progress,
                .section = section,
                .text = std::move(text),
                .weight = Weight::routine});
}

awaitable<void> Execution::make_archive(Docker docker, const ContainerBackup& backup) {
  const auto& container = options_.plan.backup.container;
  say(EventKind::wait_started, "1.1", "for tar in the container");
  Background size;
  co_await size.start(tell_size(docker, container, backup.archive, [this](std::uint64_t bytes) {
    progress("1.1", size_text(bytes / 1024));
  }));
  std::exception_ptr failure;
  Outcome outcome;
  try {
    outcome = co_await docker.archive(container, backup.archive, std::string(rancher_data));
  } catch (...) {
    failure = std::current_exception();
  }
  co_await size.end();
  if (failure) std::rethrow_exception(failure);
  say(EventKind::wait_ended, "1.1",
      "the archive is made; of a Rancher that runs it is not one point in time");
  if (outcome.code != 0) {
    say(EventKind::warning, "1.1",
        fmt::format("tar ended with status {}, as it does where files change while it reads them: "
                    "{}",
                    outcome.code, one_line(own_words(outcome))));
  }
}

awaitable<void> Execution::copy_archive(Docker docker, const ContainerBackup& backup) {
  const auto name = std::filesystem::path(backup.archive).filename();
  const auto path = folder_.backup_folder() / name;
  ArchiveFile file(folder_.backup(), name.string(),
                   [this](std::string text) { progress("1.1", std::move(text)); });
  say(EventKind::wait_started, "1.1", "for the archive to be copied and checked");
  std::optional<std::string> damaged;
  ArchiveSummary summary;
  try {
    co_await docker.copy_out(options_.plan.backup.container, backup.archive,
                             [&](std::string_view piece) {
                               file.feed(piece);
                               return Flow::go_on;
                             });
    summary = file.keep();
  } catch (const Failure&) {
    throw;
  } catch (const std::runtime_error& error) {
    damaged = error.what();
  }
  if (damaged) {
    throw Failure(ExitStatus::refused,
                  fmt::format("the backup of Rancher cannot be relied on: {}", *damaged), by_hand);
  }
  say(EventKind::wait_ended, "1.1",
      fmt::format("the archive was read to its end: {} of {}", counted(summary.files, "file"),
                  rancher_data));
  say(EventKind::change, "1.1",
      fmt::format("saved Rancher's data as {}: {} bytes, SHA-256 {}", path.string(), summary.bytes,
                  summary.sha256));
}

awaitable<void> Execution::archive_and_copy(Docker docker, const ContainerBackup& backup) {
  co_await make_archive(docker, backup);
  co_await copy_archive(docker, backup);
}

awaitable<void> Execution::backup_container() {
  const auto& backup = *observation_.backup.container;
  const auto& container = options_.plan.backup.container;
  const auto docker = tools_.docker.in_section("1.1");
  std::exception_ptr failure;
  try {
    co_await archive_and_copy(docker, backup);
  } catch (...) {
    failure = std::current_exception();
  }
  // Whatever came of it, nothing of ours stays in the container, nor goes on working there.
  std::optional<std::string> left;
  try {
    co_await docker.remove(container, backup.archive);
  } catch (const Failure& error) {
    left = error.what();
  } catch (const Interrupted&) {
    left = "interrupted";
  }
  if (left) {
    say(EventKind::warning, "1.1",
        fmt::format("the archive could not be removed from the container ({}): remove it with "
                    "docker exec {} rm -f {}",
                    *left, container, backup.archive));
  }
  if (failure) std::rethrow_exception(failure);
}

awaitable<void> Execution::backup_etcd() {
  const auto& choice = options_.plan.backup;
  if (choice.distribution()) {
    co_await save_k3s_snapshot(tools_.k3s, events_, choice);
    co_return;
  }
  // Before the command: one that fails half-way has used the name as well.
  try {
    remember(choice.state_folder, choice.snapshot);
  } catch (const Untrusted&) {
    throw;
  } catch (const Failure& error) {
    say(EventKind::warning, "1.2",
        fmt::format("the name of the snapshot cannot be remembered: {}", error.what()));
  }
  const auto log =
      co_await tools_.rke.save_snapshot(choice.snapshot, choice.rke_config, choice.partial);
  for (const auto& warning : log.warnings) {
    say(EventKind::warning, "1.2", fmt::format("rke: {}", warning));
  }
  if (log.taken == SnapshotLog::Taken::somewhere) {
    say(EventKind::warning, "1.2", "the snapshot is not on every etcd host, which was tolerated");
  }
  say(EventKind::change, "1.2",
      fmt::format("etcd's snapshot {} was taken on {}{}: there it is /opt/rke/etcd-snapshots/{} "
                  "(or .zip)",
                  choice.snapshot, log.some_failed ? "some of " : "",
                  log.hosts.empty() ? "its hosts" : enumerated(log.hosts), choice.snapshot));
}

}  // namespace retrust
