// Section 1.1: saves the data of Rancher's container before any change.
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "base/trust.h"
#include "process/tasks.h"
#include "steps/context.h"
#include "steps/step.h"
#include "tools/incoming.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Description of a mount: "the volume rancher-data (/var/lib/docker/volumes/…)", "/opt/rancher".
std::string place_of(const ContainerMount& mount) {
  const auto where = mount.type == "volume"
                         ? fmt::format("the volume {} ({})", mount.name, mount.source)
                         : mount.source.str();
  return mount.destination == rancher_data
             ? where
             : fmt::format("{}, mapped to {}", where, mount.destination);
}

PlannedStep plan(const Situation& situation) {
  const auto& options = situation.options;
  const auto step = Step::backup_container;
  const auto& seen = situation.seen.backup.container;
  if (!seen) {
    return {step, Need::not_needed,
            options.backup.container.empty() ? "no container of Rancher's was named"
                                             : "another choice was made about a backup"};
  }
  const auto* mount = seen->container.mount_of(rancher_data);
  if (seen->mapped()) {
    return {step, Need::not_needed,
            fmt::format("the data lie on the host, in {}", place_of(*mount))};
  }
  PlannedStep planned{step, Need::needed, {}};
  const auto& name = options.backup.container;
  const std::vector<std::string> docker{options.docker};
  planned.commands = {shell_line(docker, Docker::archive_args(name, seen->archive, rancher_data)),
                      shell_line(docker, Docker::copy_args(name, seen->archive, seen->folder))};
  planned.notes = {
      fmt::format("{} of data ({} exec {} du -sk {}), less when compressed; free: "
                  "{} in the container, {} here",
                  size_text(seen->data_kib), shell_line(docker), name, rancher_data,
                  size_text(seen->container_free_kib), size_text(seen->host_free_kib))};
  planned.reason =
      mount == nullptr
          ? fmt::format("{} is in the container alone", rancher_data)
          : fmt::format("{} is not mapped to the host: {} of the container's own", rancher_data,
                        mount->type == "volume" ? "a volume" : "a mount");
  return planned;
}

void check(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& backup = *seen.backup.container;
  const auto check_room = [&](std::uint64_t free_kib, std::string_view where, Advice advice) {
    if (free_kib > backup.data_kib) return;
    throw Failure(FailureCode::backup_failed,
                  fmt::format("the backup of Rancher's data ({} before it is compressed) may not "
                              "fit {}: {} are free",
                              size_text(backup.data_kib), where, size_text(free_kib)),
                  std::move(advice));
  };
  check_room(backup.container_free_kib, "into the container's /tmp",
             "make room on the disk of the container engine, or back the data up by hand and give "
             "--no-rancher-backup");
  check_room(backup.host_free_kib, "here", "make room, or give another --run-dir");
}

constexpr const char* by_hand =
    "nothing was changed; run again, or back Rancher up by hand and give --no-rancher-backup";

/// Largest number of bytes between the limit of a file and the size at which docker gave up.
constexpr std::uint64_t last_write = std::uint64_t{1} << 20U;

/// Progress of docker's copy, at most once a second.
class Copied {
 public:
  /// The size, if a report of progress is due.
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
  return {FailureCode::backup_failed,
          fmt::format("the backup of Rancher cannot be relied on: {}", why), by_hand};
}

Failure too_large(const std::filesystem::path& folder, std::uint64_t room, std::string detail) {
  return {FailureCode::backup_failed,
          fmt::format("the archive of Rancher's data does not fit into {}: {} are free, less a "
                      "reserve",
                      folder.string(), size_text(room / 1024)),
          "nothing was changed; make room, or give another --run-dir, and run again",
          std::move(detail)};
}

/// Time limit for reading the archive, long enough for any machine: a gzip of zeros may unpack to a
/// thousand times its size.
std::chrono::seconds reading_limit(std::uint64_t bytes) {
  return std::chrono::minutes{1} + std::chrono::seconds{bytes >> 20U};
}

awaitable<void> take_digest(const Descriptor& file, std::string& digest) {
  digest = co_await sha256_of(file);
}

/// Reads docker's archive to its end, and gives the archive its name.
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
    co_await when_all(std::move(readers));
    summary.files = listing.files();
    if (summary.files == 0) {
      throw std::runtime_error(fmt::format("there is no file of {} in it", rancher_data));
    }
    incoming.keep(name, file);
  } catch (const Failure&) {
    throw;
  } catch (const boost::system::system_error&) {
    throw;  // The reading was cancelled.
  } catch (const std::runtime_error& error) {
    wrong = error.what();
  }
  if (wrong) throw unreliable(*wrong);
  co_return summary;
}

/// Reports the archive's size as progress. A failure does not stop the work.
awaitable<void> tell_size(Docker docker, std::string container, std::string file,
                          std::function<void(std::uint64_t)> on_size) {
  try {
    co_await docker.follow_size(std::move(container), std::move(file), std::move(on_size));
  } catch (...) {
  }
}

awaitable<void> make_archive(Context context, ContainerBackup backup) {
  const auto& container = context.options().backup.container;
  const auto docker = context.docker();
  context.journal().wait_without_limit("for tar in the container");
  Background size;
  std::function<void(std::uint64_t)> on_size = [context](std::uint64_t bytes) {
    context.journal().progress(size_text(bytes / 1024));
  };
  co_await size.start(tell_size(docker, container, backup.archive, std::move(on_size)));
  std::exception_ptr failure;
  Outcome outcome;
  try {
    outcome = co_await docker.archive(container, backup.archive, std::string(rancher_data));
  } catch (...) {
    failure = std::current_exception();
  }
  co_await size.end();
  if (failure) std::rethrow_exception(failure);
  context.journal().wait_ended(
      "the archive is made; of a Rancher that runs it is not one point in time");
  if (outcome.code != 0) {
    context.journal().warning(
        fmt::format("tar ended with status {}, as it does where files change while it reads them: "
                    "{}",
                    outcome.code, own_words(outcome)));
  }
}

awaitable<void> copy_archive(Context context, ContainerBackup backup) {
  const auto& container = context.options().backup.container;
  const auto docker = context.docker();
  const auto& folder = context.folder();
  const auto name = std::filesystem::path(backup.archive).filename().string();
  const Incoming incoming(folder.backup());
  const auto room = incoming.room();
  context.journal().wait_without_limit("for the archive to be copied and checked");
  Copied copied;
  // The limit of one file does not limit a folder of files, nor what others write meanwhile.
  const auto watch = [&] {
    if (const auto wrong = incoming.wrong(name)) throw unreliable(*wrong);
    if (incoming.room() == 0) throw too_large(folder.backup_folder(), room, {});
    if (const auto size = copied.to_tell(incoming.size_of(name))) {
      context.journal().progress(fmt::format("{} copied", size_text(*size / 1024)));
    }
  };
  try {
    co_await docker.copy_out(container, backup.archive, incoming.path().string(), room, watch);
  } catch (const DockerFailure& failed) {
    if (incoming.size_of(name) + last_write < room) throw;
    throw too_large(folder.backup_folder(), room, failed.detail);
  }
  const auto summary = co_await check_archive(context.tools().tar, incoming, name);
  context.journal().wait_ended(fmt::format("the archive was read to its end: {} of {}",
                                           counted(summary.files, "file"), rancher_data));
  SavedFile saved{"Rancher's data", folder.backup_folder() / name, summary.sha256, summary.bytes};
  context.journal().saved(saved);
  context.state().backups.push_back(
      fmt::format("the archive {} of Rancher's data", saved.path.string()));
}

/// Removes what earlier runs left in the container. A failure does not stop the backup.
awaitable<void> remove_left(Context context) {
  const auto& container = context.options().backup.container;
  const auto docker = context.docker();
  LeftArchives left;
  std::optional<std::string> failed;
  try {
    left = co_await docker.remove_left(container, std::string(archive_begin));
  } catch (const Failure& error) {
    failed = error.in_full();
  }
  if (failed) {
    context.journal().warning(
        fmt::format("retrust could not look for archives of earlier runs in the container: {}",
                    *failed),
        {"see what is there", fmt::format("{} exec {} ls -l /tmp", docker.shown(), container)});
  }
  for (const auto& archive : left.removed) {
    context.journal().warning(
        fmt::format("an earlier run left {} in the container {}: retrust removed the archive",
                    archive, container));
  }
  for (const auto& archive : left.used) {
    context.journal().warning(
        fmt::format("a tar in the container {} is still making {}, an archive of another run: "
                    "retrust left the archive there",
                    container, archive),
        {"if nobody needs the archive, remove it when tar has ended",
         fmt::format("{} exec {} rm -f {}", docker.shown(), container, archive)});
  }
}

awaitable<void> archive_and_copy(Context context, ContainerBackup backup) {
  co_await make_archive(context, backup);
  co_await copy_archive(context, backup);
}

awaitable<void> run(Context context) {
  // docker gets a path, which nobody else may turn elsewhere.
  check_way(std::filesystem::absolute(context.folder().path()).parent_path());
  const auto backup = *context.seen().backup.container;
  const auto& container = context.options().backup.container;
  const auto docker = context.docker();
  co_await remove_left(context);
  std::exception_ptr failure;
  try {
    co_await archive_and_copy(context, backup);
  } catch (...) {
    failure = std::current_exception();
  }
  // The container keeps no file and no process of ours, also after a failure.
  std::optional<std::string> left;
  try {
    co_await docker.remove(container, backup.archive);
  } catch (const Failure& error) {
    left = error.in_full();
  } catch (const Interrupted&) {
    left = "interrupted";
  }
  if (left) {
    context.journal().warning(
        fmt::format("the archive could not be removed from the container ({}): remove it with "
                    "{} exec {} rm -f {}",
                    *left, docker.shown(), container, backup.archive));
  }
  if (failure) std::rethrow_exception(failure);
}

StepResult result(const Observation&) {
  return {"Rancher's data are saved"};
}

}  // namespace

extern const StepWork backup_container{.plan = plan, .run = run, .result = result, .check = check};

}  // namespace retrust
