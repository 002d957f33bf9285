#include "steps/cluster_change.h"

#include <exception>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/stored_token.h"
#include "tools/new_name.h"

namespace retrust {

using boost::asio::awaitable;

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

namespace {

/// The Secret that a change makes for the token.
struct MadeSecret {
  ObjectName name;
  Uid uid;                  ///< empty as long as the answer is missing
  boost::json::value sent;  ///< what was sent
};

/// What change_cluster works with.
struct Work {
  const Kubectl& local;
  const RunFolder& folder;
  const Journal& journal;
  Redactor& redactor;
  ClusterChange& change;
  MadeSecret secret = {};
  /// True if the API server may have taken a replacement whose answer is missing.
  bool unclear = false;
};

awaitable<void> make_secret(Work& work, const ClusterResource& now) {
  auto& made = work.secret;
  made.name = new_name(token_secret_prefix);
  work.change.announce(
      fmt::format("making the Secret {} in {} for the token", made.name, credential_namespace));
  auto secret = new_token_secret(now, work.change.token_for_secret, made.name);
  made.sent = secret;
  const auto created =
      co_await work.local.create(std::move(secret), [&made](const ObjectName& name) {
        made.name = name;
        made.sent.as_object()["metadata"].as_object()["name"] = name.text();
      });
  made.name = text_at(created, "/metadata/name");
  made.uid = text_at(created, "/metadata/uid");
  if (made.name.empty()) {
    throw Failure(FailureCode::bad_answer,
                  fmt::format("the local cluster answered with a Secret without a name, when "
                              "one was made in {}",
                              credential_namespace),
                  "nothing else was changed; find out what answers at the cluster's address");
  }
}

awaitable<std::optional<ClusterResource>> change(Work& work) {
  const auto& id = work.change.id;
  const auto& local = work.local;
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    // A process connects again, as the change will. A session keeps its connection to where the
    // address led.
    auto now = co_await read_cluster(local.by_process(), id, work.change.rancher, work.redactor);
    if (!work.change.look(now)) co_return std::nullopt;
    const auto path = save_stored(work.folder, work.journal, now, "what will be replaced");
    auto& status = now.raw["status"];
    if (!status.is_object()) status.emplace_object();
    if (!work.change.token_for_secret.empty() && work.secret.name.empty()) {
      co_await make_secret(work, now);
    }
    work.change.edit(status.get_object(), work.secret.name);
    work.change.announce(fmt::format("replacing the clusters resource {} {} (resourceVersion {})",
                                     id, work.change.purpose, now.resource_version));
    std::optional<KubectlFailure> conflict;
    // Any other end leaves open whether the replacement takes effect.
    work.unclear = true;
    try {
      if (work.change.status_path.empty()) {
        co_await local.replace(std::move(now.raw));
      } else {
        co_await local.replace_raw(work.change.status_path, std::move(now.raw));
      }
    } catch (const KubectlFailure& failure) {
      work.unclear = failure.repeated || is_transient(failure.kind);
      if (failure.kind != KubectlError::conflict) throw;
      conflict = failure;
    }
    // An attempt whose answer was lost may be the change that the next one met.
    if (conflict && !work.unclear) {
      // A Secret that was made for the change stays until it is used or removed.
      if (work.secret.name.empty()) work.change.not_made();
      work.journal.warning(
          "somebody else changed the clusters resource in between: reading it again");
      continue;
    }
    // The stored resource counts, not the answer.
    now = co_await read_cluster(local, id, work.change.rancher, work.redactor);
    work.unclear = false;
    if (work.change.done(now)) co_return now;
    if (conflict) {
      work.journal.warning(
          "somebody else changed the clusters resource in between: reading it again");
      continue;
    }
    throw Failure(ExitStatus::failed,
                  "the API server took the change of the clusters resource without keeping it",
                  fmt::format("the resource as it was is in {}", path.string()));
  }
  throw Failure(FailureCode::changed_meanwhile,
                fmt::format("the clusters resource {} was changed by somebody else {} times in a "
                            "row",
                            id, replace_attempts),
                "find out who does, then run again");
}

/// Deletes the Secret that was made and is not used. Returns false if that is not certain.
awaitable<bool> remove_secret(const Work& work) {
  // The failure that ends the change has waited long enough.
  const auto local = work.local.by_process().with(RetryPolicy{});
  const auto& made = work.secret;
  auto query = commands::secret(credential_namespace, made.name);
  const auto there = co_await local.find(std::move(query));
  if (!there) co_return true;
  const auto ours =
      made.uid.empty() ? holds(*there, made.sent) : made.uid == text_at(*there, "/metadata/uid");
  if (!ours) co_return true;
  const auto cluster =
      co_await find_cluster(local, work.change.id, work.change.rancher, work.redactor);
  if (cluster && (cluster->token_secret_name == made.name || work.unclear)) {
    co_return cluster->token_secret_name == made.name;
  }
  work.journal.change(
      fmt::format("deleting the Secret {} in {}, which holds the token and is not "
                  "used",
                  made.name, credential_namespace));
  std::vector<ObjectName> names(1, made.name);
  auto args = commands::delete_secrets(credential_namespace, names);
  co_await local.change(std::move(args));
  co_return true;
}

/// Leaves no Secret with a token behind that nobody knows of.
awaitable<void> clear_up(const Work& work) {
  auto clear = false;
  try {
    clear = co_await remove_secret(work);
  } catch (const Failure&) {
    // The warning names the Secret.
  } catch (const Interrupted&) {
  }
  if (clear) co_return;
  std::vector<ObjectName> names(1, work.secret.name);
  work.journal.warning(
      fmt::format(
          "the Secret {} in {} of the local cluster may be there and unused, and it holds a "
          "token",
          work.secret.name, credential_namespace),
      {"delete the Secret, unless Rancher's record names it (serviceAccountTokenSecret)",
       work.local.shown(commands::delete_secrets(credential_namespace, names))});
}

}  // namespace

awaitable<std::optional<ClusterResource>> change_cluster(const Kubectl& local,
                                                         const RunFolder& folder, Journal journal,
                                                         Redactor& redactor, ClusterChange wanted) {
  Work work{local, folder, journal, redactor, wanted};
  std::optional<ClusterResource> stored;
  std::exception_ptr failure;
  try {
    stored = co_await change(work);
  } catch (...) {
    failure = std::current_exception();
  }
  const auto made = !work.secret.name.empty();
  if (made && !(stored && stored->token_secret_name == work.secret.name)) co_await clear_up(work);
  if (failure) std::rethrow_exception(failure);
  co_return stored;
}

}  // namespace retrust
