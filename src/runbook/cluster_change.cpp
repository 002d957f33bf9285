#include "runbook/cluster_change.h"

#include <fmt/format.h>

#include "runbook/commands.h"
#include "runbook/parse.h"
#include "transcript/failure.h"

namespace retrust {
namespace {

constexpr int replace_attempts = 5;

}  // namespace

boost::asio::awaitable<std::optional<ClusterResource>> change_cluster(const Kubectl& local,
                                                                      RunFolder& folder,
                                                                      EventSink& events,
                                                                      Redactor& redactor,
                                                                      ClusterChange change) {
  const auto& id = change.id;
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    const auto object = co_await local.get(commands::cluster(id));
    auto now = parse_cluster(object, redactor);
    if (!change.look(now)) co_return std::nullopt;
    const auto path = folder.save("clusters-" + id, now.raw);
    events.emit({.kind = EventKind::change,
                 .section = "2.5",
                 .text = fmt::format("saved what will be replaced as {}", path.string())});
    auto& status = now.raw["status"];
    if (!status.is_object()) status.emplace_object();
    change.edit(status.get_object());
    change.announce(fmt::format("replacing the clusters resource {} {} (resourceVersion {})", id,
                                change.purpose, now.resource_version));
    std::optional<KubectlFailure> conflict;
    try {
      const auto stored = co_await local.replace(std::move(now.raw));
      now = parse_cluster(stored, redactor);
    } catch (const KubectlFailure& failure) {
      if (failure.kind != KubectlError::conflict) throw;
      conflict = failure;
    }
    if (conflict) {
      change.not_made();
      events.emit({.kind = EventKind::warning,
                   .section = "2.5",
                   .text = "somebody else changed the clusters resource in between: reading it "
                           "again"});
      continue;
    }
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
