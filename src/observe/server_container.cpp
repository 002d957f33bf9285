#include "observe/server_container.h"

#include <stdexcept>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/kubeconfig_registration.h"
#include "process/tasks.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// Compares the uids of kube-system, as kubectl in the container reads it.
awaitable<ServerContainer::Proof> compare_clusters(Kubectl inside, const Local& local,
                                                   const std::string& name, Redactor& redactor,
                                                   Journal journal) {
  std::optional<std::string> unknown;
  Uid uid;
  try {
    co_await register_kubeconfig(inside, redactor);
    const auto answer = co_await inside.get(commands::kube_system());
    uid = text_at(answer, "/metadata/uid");
    if (uid.empty()) unknown = "it has no uid";
  } catch (const Failure& failure) {
    unknown = failure.in_full();
  }
  if (unknown) {
    journal.warning(
        fmt::format("cannot tell whether the local cluster is the one in the container {}: {}",
                    name, *unknown));
    co_return ServerContainer::Proof::none;
  }
  if (uid != local.kube_system_uid) {
    throw Failure(FailureCode::wrong_cluster,
                  fmt::format("--local-kubeconfig is not of the cluster in the container {}: the "
                              "uids of kube-system differ",
                              name),
                  "check both: --rancher-container names the container that Rancher runs in, "
                  "--local-kubeconfig is of the cluster in it (and may be left out)");
  }
  co_return ServerContainer::Proof::same_cluster;
}

}  // namespace

awaitable<std::optional<ServerContainer>> observe_server_container(const BackupTools& tools,
                                                                   std::string name,
                                                                   const Local& local,
                                                                   Redactor& redactor,
                                                                   Journal journal) {
  if (name.empty()) co_return std::nullopt;
  ServerContainer seen;
  seen.name = std::move(name);
  const auto shown = co_await tools.docker.inspect(seen.name);
  auto version = co_await tools.docker.version();
  seen.docker = std::move(version);
  try {
    seen.container = parse_container(shown);
  } catch (const std::runtime_error& error) {
    throw Failure(ExitStatus::refused, fmt::format("docker inspect: {}", error.what()),
                  "check that --docker names docker, or podman");
  }
  if (!tools.container_kubectl) {
    seen.proof = ServerContainer::Proof::same_cluster;
  } else if (seen.container.state == "running") {
    seen.proof =
        co_await compare_clusters(*tools.container_kubectl, local, seen.name, redactor, journal);
  }
  co_return seen;
}

}  // namespace retrust
