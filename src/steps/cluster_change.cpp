#include "steps/cluster_change.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "observe/stored_token.h"

namespace retrust {
namespace {

constexpr int replace_attempts = 5;

}  // namespace

std::filesystem::path save_stored(const RunFolder& folder, const Journal& journal,
                                  const ClusterResource& cluster, std::string what) {
  if (cluster.token_secret) {
    const auto& name = cluster.token_secret_name;
    folder.save("secret-" + name.text(), *cluster.token_secret, journal,
                fmt::format("the Secret {} in {}", name, credential_namespace));
  }
  return folder.save("clusters-" + cluster.id.text(), cluster.raw, journal, std::move(what));
}

boost::asio::awaitable<std::optional<ClusterResource>> change_cluster(const Kubectl& local,
                                                                      const RunFolder& folder,
                                                                      Journal journal,
                                                                      Redactor& redactor,
                                                                      ClusterChange change) {
  const auto& id = change.id;
  ObjectName secret_name;
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    // A process connects again, as the change will. A session keeps its connection to where the
    // address led.
    auto now = co_await read_cluster(local.by_process(), id, change.rancher, redactor);
    if (!change.look(now)) co_return std::nullopt;
    const auto path = save_stored(folder, journal, now, "what will be replaced");
    auto& status = now.raw["status"];
    if (!status.is_object()) status.emplace_object();
    if (!change.token_for_secret.empty() && secret_name.empty()) {
      change.announce(fmt::format("making a new Secret in {} for the token", credential_namespace));
      auto secret = new_token_secret(now, change.token_for_secret);
      const auto made = co_await local.create(std::move(secret));
      secret_name = text_at(made, "/metadata/name");
      if (secret_name.empty()) {
        throw Failure(ExitStatus::refused,
                      fmt::format("the local cluster answered with a Secret without a name, when "
                                  "one was made in {}",
                                  credential_namespace),
                      "nothing else was changed; find out what answers at the cluster's address");
      }
    }
    change.edit(status.get_object(), secret_name);
    change.announce(fmt::format("replacing the clusters resource {} {} (resourceVersion {})", id,
                                change.purpose, now.resource_version));
    std::optional<KubectlFailure> conflict;
    try {
      if (change.status_path.empty()) {
        co_await local.replace(std::move(now.raw));
      } else {
        co_await local.replace_raw(change.status_path, std::move(now.raw));
      }
    } catch (const KubectlFailure& failure) {
      if (failure.kind != KubectlError::conflict) throw;
      conflict = failure;
    }
    if (conflict) {
      // A Secret that was made for the change stays.
      if (secret_name.empty()) change.not_made();
      journal.warning("somebody else changed the clusters resource in between: reading it again");
      continue;
    }
    // The stored resource counts, not the answer.
    now = co_await read_cluster(local, id, change.rancher, redactor);
    if (!change.done(now)) {
      throw Failure(ExitStatus::failed,
                    "the API server took the change of the clusters resource without keeping it",
                    fmt::format("the resource as it was is in {}", path.string()));
    }
    co_return now;
  }
  throw Failure(ExitStatus::failed,
                fmt::format("the clusters resource {} was changed by somebody else {} times in a "
                            "row",
                            id, replace_attempts),
                "find out who does, then run again");
}

}  // namespace retrust
