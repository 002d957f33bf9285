#include "steps/backup_plan.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tools/docker.h"
#include "tools/k3s.h"
#include "tools/rke.h"

namespace retrust {
namespace {

constexpr const char* nothing_to_save = "nothing is changed, so nothing has to be saved";

/// The program that takes the snapshot, as a person would type it.
std::string snapshot_program(const Observation& observation, std::string_view otherwise) {
  const auto& named = observation.backup.tool_named;
  return named.empty() ? std::string(otherwise) : named;
}

/// "the volume rancher-data (/var/lib/docker/volumes/…)", "/opt/rancher".
std::string place_of(const ContainerMount& mount) {
  const auto where = mount.type == "volume"
                         ? fmt::format("the volume {} ({})", mount.name, mount.source)
                         : mount.source.str();
  return mount.destination == rancher_data
             ? where
             : fmt::format("{}, mapped to {}", where, mount.destination);
}

}  // namespace

PlannedStep plan_container_backup(const Observation& observation, const PlanOptions& options,
                                  const Progress& progress, Changes changes) {
  const auto step = Step::backup_container;
  const auto& seen = observation.backup.container;
  if (!seen) {
    return {step, Need::not_needed,
            options.backup.container.empty() ? "no container of Rancher's was named"
                                             : "another choice was made about a backup"};
  }
  if (progress.performed.contains(step)) return {step, Need::not_needed, "done"};
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
  if (changes == Changes::none && options.extent == Extent::needed) {
    planned.need = Need::not_needed;
    planned.reason = nothing_to_save;
  }
  return planned;
}

PlannedStep plan_etcd_backup(const Observation& observation, const PlanOptions& options,
                             const Progress& progress, Changes changes) {
  const auto step = Step::backup_etcd;
  const auto& choice = options.backup;
  const auto distribution = choice.distribution();
  if (choice.kind != BackupChoice::Kind::etcd && !distribution) {
    return {step, Need::not_needed, "neither rke's configuration, k3s nor RKE2 was named"};
  }
  if (progress.performed.contains(step)) return {step, Need::not_needed, "done"};
  if (changes == Changes::none && options.extent == Extent::needed) {
    return {step, Need::not_needed, nothing_to_save};
  }
  if (distribution) {
    const auto program = std::string(name_of(*distribution));
    return {step,
            Need::needed,
            fmt::format("snapshots etcd on this node, as {}-NODE-TIME", choice.snapshot),
            {shell_line({snapshot_program(observation, program)}, K3s::save_args(choice.snapshot))},
            {fmt::format("goes to {}/server/db/snapshots, where {} is not set to another folder",
                         choice.data_folder, program),
             fmt::format("cannot be restored without {}/server/token: keep a copy of that too",
                         choice.data_folder)}};
  }
  return {step,
          Need::needed,
          fmt::format("snapshots etcd on each of its hosts, as {}", choice.snapshot),
          {shell_line({snapshot_program(observation, "rke")},
                      Rke::save_args(choice.snapshot, choice.rke_config))}};
}

}  // namespace retrust
