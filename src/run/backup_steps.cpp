// Section 1: Rancher itself is backed up before anything is changed.
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "base/trust.h"
#include "choices/snapshot_names.h"
#include "observe/k3s_backup.h"
#include "process/gather.h"
#include "run/execution.h"
#include "tools/incoming.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

constexpr const char* by_hand =
    "nothing was changed; run again, or back Rancher up by hand and give --no-rancher-backup";

/// Bytes that are left between the limit of a file and the size at which docker gave up.
constexpr std::uint64_t last_write = std::uint64_t{1} << 20U;

/// How much has come, once a second while docker writes.
class Copied {
 public:
  /// The size, where it is time to tell of it.
  std::optional<std::uint64_t> to_tell(std::uint64_t size) {
    const auto now = std::chrono::steady_clock::now();
    if (size == last_ || now - told_ < std::chrono::seconds{1}) return std::nullopt;
    told_ = now;
    last_ = size;
    return size;
  }

 private:
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
  std::uint64_t last_ = 0;
};

Failure unreliable(std::string_view why) {
  return {ExitStatus::refused, fmt::format("the backup of Rancher cannot be relied on: {}", why),
          by_hand};
}

Failure too_large(const std::filesystem::path& folder, std::uint64_t room, std::string detail) {
  return {ExitStatus::refused,
          fmt::format("the archive of Rancher's data does not fit into {}: {} are free, less a "
                      "reserve",
                      folder.string(), size_text(room / 1024)),
          "nothing was changed; make room, or give another --run-dir, and run again",
          std::move(detail)};
}

/// Not below what any machine reads: a gzip of zeros may unpack to a thousand times its size.
std::chrono::seconds reading_limit(std::uint64_t bytes) {
  return std::chrono::minutes{1} + std::chrono::seconds{bytes >> 20U};
}

awaitable<void> take_digest(const Descriptor& file, std::string& digest) {
  digest = co_await sha256_of(file);
}

/// Reads the archive that docker delivered to its end, and gives it its name.
awaitable<ArchiveSummary> check_archive(Tar tar, const Incoming& incoming, std::string name) {
  std::optional<std::string> wrong;
  ArchiveSummary summary;
  try {
    const auto file = incoming.open(name);
    summary.bytes = size_of(file);
    ListingCount listing(rancher_data.substr(1));
    const auto limit = reading_limit(summary.bytes);
    std::vector<awaitable<void>> readers;
    readers.push_back(tar.list(file, limit, [&listing](std::string_view piece) {
      listing.feed(piece);
      return Flow::go_on;
    }));
    readers.push_back(take_digest(file, summary.sha256));
    co_await together(std::move(readers));
    summary.files = listing.files();
    if (summary.files == 0) {
      throw std::runtime_error(fmt::format("there is no file of {} in it", rancher_data));
    }
    incoming.keep(name, file);
  } catch (const Failure&) {
    throw;
  } catch (const boost::system::system_error&) {
    throw;  // Its end was asked for.
  } catch (const std::runtime_error& error) {
    wrong = error.what();
  }
  if (wrong) throw unreliable(*wrong);
  co_return summary;
}

/// Progress alone: the work goes on where this fails.
awaitable<void> tell_size(Docker docker, std::string container, std::string file,
                          std::function<void(std::uint64_t)> on_size) {
  try {
    co_await docker.follow_size(std::move(container), std::move(file), std::move(on_size));
  } catch (...) {
  }
}

}  // namespace

awaitable<void> Execution::make_archive(Docker docker, const ContainerBackup& backup) {
  const auto& container = options_.plan.backup.container;
  journal("1.1").wait_without_limit("for tar in the container");
  Background size;
  co_await size.start(tell_size(docker, container, backup.archive, [this](std::uint64_t bytes) {
    journal("1.1").progress(size_text(bytes / 1024));
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
  journal("1.1").wait_ended(
      "the archive is made; of a Rancher that runs it is not one point in time");
  if (outcome.code != 0) {
    journal("1.1").warning(
        fmt::format("tar ended with status {}, as it does where files change while it reads them: "
                    "{}",
                    outcome.code, own_words(outcome)));
  }
}

awaitable<void> Execution::copy_archive(Docker docker, const ContainerBackup& backup) {
  const auto& container = options_.plan.backup.container;
  const auto name = std::filesystem::path(backup.archive).filename().string();
  const Incoming incoming(folder_.backup());
  const auto room = incoming.room();
  journal("1.1").wait_without_limit("for the archive to be copied and checked");
  Copied copied;
  // The limit of a file is none for a folder of files, nor for what others write meanwhile.
  const auto watch = [&] {
    if (const auto wrong = incoming.wrong(name)) throw unreliable(*wrong);
    if (incoming.room() == 0) throw too_large(folder_.backup_folder(), room, {});
    if (const auto size = copied.to_tell(incoming.size_of(name))) {
      journal("1.1").progress(fmt::format("{} copied", size_text(*size / 1024)));
    }
  };
  try {
    co_await docker.copy_out(container, backup.archive, incoming.path().string(), room, watch);
  } catch (const DockerFailure& failed) {
    if (incoming.size_of(name) + last_write < room) throw;
    throw too_large(folder_.backup_folder(), room, failed.detail);
  }
  const auto summary = co_await check_archive(tools_.tar, incoming, name);
  journal("1.1").wait_ended(fmt::format("the archive was read to its end: {} of {}",
                                        counted(summary.files, "file"), rancher_data));
  SavedFile saved{"Rancher's data", folder_.backup_folder() / name, summary.sha256, summary.bytes};
  journal("1.1").saved(saved);
}

awaitable<void> Execution::archive_and_copy(Docker docker, const ContainerBackup& backup) {
  co_await make_archive(docker, backup);
  co_await copy_archive(docker, backup);
}

awaitable<void> Execution::backup_container() {
  // docker is given a path: nobody else may turn it elsewhere.
  check_way(std::filesystem::absolute(folder_.path()).parent_path());
  const auto& backup = *observation_.backup.container;
  const auto& container = options_.plan.backup.container;
  const auto docker = tools_.docker.in_section("1.1");
  std::exception_ptr failure;
  try {
    co_await archive_and_copy(docker, backup);
  } catch (...) {
    failure = std::current_exception();
  }
  // After a failure, too, nothing of ours stays in the container, nor goes on working there.
  std::optional<std::string> left;
  try {
    co_await docker.remove(container, backup.archive);
  } catch (const Failure& error) {
    left = error.in_full();
  } catch (const Interrupted&) {
    left = "interrupted";
  }
  if (left) {
    journal("1.1").warning(
        fmt::format("the archive could not be removed from the container ({}): remove it with "
                    "{} exec {} rm -f {}",
                    *left, docker.shown(), container, backup.archive));
  }
  if (failure) std::rethrow_exception(failure);
}

awaitable<void> Execution::backup_etcd() {
  const auto& choice = options_.plan.backup;
  if (choice.distribution()) {
    co_await save_k3s_snapshot(tools_.k3s, journal("1.2"), choice);
    co_return;
  }
  // Before the command: one that fails half-way has used the name as well.
  try {
    remember(choice.state_folder, choice.snapshot);
  } catch (const Untrusted&) {
    throw;
  } catch (const Failure& error) {
    journal("1.2").warning(
        fmt::format("the name of the snapshot cannot be remembered: {}", error.what()));
  }
  const auto log =
      co_await tools_.rke.save_snapshot(choice.snapshot, choice.rke_config, choice.partial);
  for (const auto& warning : log.warnings) {
    journal("1.2").warning(fmt::format("rke: {}", warning));
  }
  if (log.taken == SnapshotLog::Taken::somewhere) {
    journal("1.2").warning("the snapshot is not on every etcd host, which was tolerated");
  }
  journal("1.2").change(fmt::format(
      "etcd's snapshot {} was taken on {}{}: there it is /opt/rke/etcd-snapshots/{} "
      "(or .zip)",
      choice.snapshot, log.some_failed ? "some of " : "",
      log.hosts.empty() ? "its hosts" : enumerated(texts_of(log.hosts)), choice.snapshot));
}

}  // namespace retrust
