// Observations before a backup of Rancher.
#include "observe/observe_backup.h"

#include <cstdint>
#include <system_error>

#include <fmt/format.h>

#include "base/folder.h"
#include "choices/snapshot_names.h"
#include "observe/commands.h"
#include "observe/operator_backup.h"
#include "observe/trim.h"
#include "process/tasks.h"
#include "tools/container.h"

namespace retrust {
namespace {

using boost::asio::awaitable;
namespace fs = std::filesystem;
namespace json = boost::json;

[[noreturn]] void cannot_tell(std::string_view what, const Outcome& outcome) {
  throw Failure(FailureCode::backup_failed,
                fmt::format("cannot tell {}: {}", what, ending_text(outcome)),
                "is this really Rancher's container? Otherwise back its data up by hand and give "
                "--no-rancher-backup",
                own_words(outcome));
}

/// Asks for the size by `du -sk`. Its exit status is ignored, because files may vanish meanwhile.
awaitable<void> ask_size(Docker docker, std::string container, std::uint64_t& kib) {
  const auto args = Arguments{"du", "-sk"}.absolute_path(rancher_data);
  const auto outcome = co_await docker.look(container, args);
  const auto size = parse_du(outcome.out);
  if (!size) cannot_tell(fmt::format("how large {} is in the container", rancher_data), outcome);
  kib = *size;
}

awaitable<void> ask_room(Docker docker, std::string container, std::uint64_t& kib) {
  const Arguments args{"df", "-Pk", "/tmp"};
  const auto outcome = co_await docker.look(container, args);
  const auto room = parse_df(outcome.out);
  if (!outcome.succeeded() || !room) cannot_tell("what room the container's /tmp has", outcome);
  kib = *room;
}

/// Free KiB for a run folder that may not exist yet.
std::uint64_t room_at(fs::path folder) {
  std::error_code error;
  folder = fs::absolute(folder, error);
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  const auto space = fs::space(folder, error);
  return error ? 0 : space.available / 1024;
}

awaitable<ContainerBackup> observe_container(Docker docker, const BackupChoice& choice,
                                             const fs::path& folder,
                                             const Observation& observation) {
  ContainerBackup backup;
  backup.container = observation.container->container;
  auto& container = backup.container;
  if (backup.mapped()) co_return backup;
  if (container.state != "running") {
    throw Failure(FailureCode::backup_failed,
                  fmt::format("the container {} is not running ({}): nothing can be backed up "
                              "in it",
                              choice.container, container.state),
                  Advice("back its data up by hand and give --no-rancher-backup, or start it",
                         fmt::format("{} start {}", docker.shown(), choice.container)));
  }
  if (container.version.empty()) container.version = observation.local.rancher.version_text;
  backup.archive = fmt::format("{}{}-{}.tar.gz", archive_begin, version_for_name(container.version),
                               choice.date);
  backup.folder = folder.string();
  std::vector<awaitable<void>> questions;
  questions.push_back(ask_size(docker, choice.container, backup.data_kib));
  questions.push_back(ask_room(docker, choice.container, backup.container_free_kib));
  co_await wait_all(std::move(questions));
  backup.host_free_kib = room_at(folder);
  co_return backup;
}

/// Throws Failure (refused) if this node visibly cannot take a snapshot: the node is no server, or
/// its data are in SQLite. k3s itself reports other obstacles.
void check_k3s_node(const BackupChoice& choice) {
  const auto distribution = *choice.distribution();
  std::error_code error;
  const fs::path data = choice.data_folder;
  const auto server = data / "server";
  if (fs::exists(data / "agent", error) && is_missing(server)) throw no_server(distribution);
  const auto database = server / "db";
  if (fs::exists(database / "state.db", error) && is_missing(database / "etcd" / "member")) {
    throw no_etcd(distribution, choice.data_folder);
  }
}

/// The operator's resource set for all of Rancher. Throws Failure (refused) if there is no
/// operator, or no such set.
awaitable<ObjectName> find_resource_set(Kubectl local) {
  std::optional<json::value> list;
  try {
    auto found = co_await local.get(commands::resource_sets(), name_trim());
    list.emplace(std::move(found));
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::no_such_type && failure.kind != KubectlError::not_found)
      throw;
  }
  if (!list) {
    throw Failure(FailureCode::backup_failed,
                  "the Rancher backup operator is not installed in the local cluster: it knows no "
                  "resourcesets.resources.cattle.io",
                  "install the chart rancher-backup there (Rancher's page Apps of the cluster "
                  "local), or choose another backup: --k3s, --rke2, --rke-config FILE or "
                  "--rancher-container NAME");
  }
  auto set = whole_resource_set(*list);
  if (set.empty()) {
    throw Failure(FailureCode::backup_failed,
                  "the Rancher backup operator has no resource set for all of Rancher: neither "
                  "rancher-resource-set-full nor rancher-resource-set is in the local cluster",
                  {"upgrade the chart rancher-backup, which brings one; see what is there",
                   local.shown(Kubectl::get_args(commands::resource_sets()))});
  }
  co_return set;
}

}  // namespace

bool ContainerBackup::mapped() const {
  const auto* mount = container.mount_of(rancher_data);
  return mount != nullptr && mount->mapped();
}

awaitable<BackupObservation> observe_backup(BackupTools& tools, const BackupChoice& choice,
                                            const fs::path& folder, const Observation& observation,
                                            Kubectl local) {
  BackupObservation seen;
  if (choice.kind == BackupChoice::Kind::container) {
    seen.container = co_await observe_container(tools.docker, choice, folder, observation);
    if (seen.container->mapped()) co_return seen;
    seen.tool_version = co_await tools.tar.version();
    seen.tool_program = tools.tar.program();
  } else if (choice.kind == BackupChoice::Kind::etcd) {
    seen.tool_version = co_await tools.rke.version();
    seen.tool_program = tools.rke.program();
    seen.tool_named = tools.rke.named();
    if (is_remembered(choice.state_folder, choice.snapshot)) seen.used_name = choice.snapshot;
  } else if (choice.distribution()) {
    check_k3s_node(choice);
    seen.tool_version = co_await tools.k3s.version();
    seen.tool_program = tools.k3s.program();
    seen.tool_named = tools.k3s.named();
    const auto uid = co_await tools.k3s.cluster_uid(choice.data_folder);
    if (uid != observation.local.kube_system_uid) {
      throw Failure(FailureCode::backup_failed,
                    "this node is not of the cluster that Rancher runs in: the uids of kube-system "
                    "differ, so its snapshot would be no backup of Rancher",
                    "nothing was changed; run this on a server node of Rancher's own cluster");
    }
  }
  if (choice.kind == BackupChoice::Kind::backup_operator) {
    seen.resource_set = co_await find_resource_set(std::move(local));
  }
  co_return seen;
}

std::string size_text(std::uint64_t kib) {
  if (kib < 1024) return fmt::format("{} KiB", kib);
  const auto mib = static_cast<double>(kib) / 1024;
  return mib < 1024 ? fmt::format("{:.1f} MiB", mib) : fmt::format("{:.1f} GiB", mib / 1024);
}

}  // namespace retrust
