// Section 1.3: lets the Rancher backup operator save Rancher.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/operator_backup.h"
#include "observe/same_cluster.h"
#include "steps/context.h"
#include "steps/step.h"
#include "tools/new_name.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// The time that an error of the operator may last. The operator tries again by itself, with pauses
/// that become longer.
constexpr std::chrono::seconds error_lasts{30};

/// The name of the Backup without its 5 random letters.
std::string backup_prefix(const Observation& seen, const PlanOptions& options) {
  auto date = options.backup.date;
  std::transform(date.begin(), date.end(), date.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return fmt::format("retrust-{}-{}-", seen.local.cluster.id, date);
}

PlannedStep plan(const Situation& situation) {
  const auto step = Step::backup_rancher;
  const auto& options = situation.options;
  if (options.backup.kind != BackupChoice::Kind::backup_operator) {
    return {step, Need::not_needed, "--rancher-backup was not given"};
  }
  return {step,
          Need::needed,
          fmt::format("the Rancher backup operator saves what its resource set {} names, as Backup "
                      "{}…",
                      situation.seen.backup.resource_set, backup_prefix(situation.seen, options)),
          {shell_line(options.local_kubectl, Kubectl::create_args())},
          {"goes to the storage that the operator is configured with",
           "is not encrypted: who can read that storage can read Rancher's secrets",
           "the Backup and its file stay: delete both when nobody needs them"}};
}

/// Makes a failure of this step a refusal, which tells that nothing was changed.
[[noreturn]] void refuse(const KubectlFailure& failure) {
  if (is_away(failure.kind)) throw KubectlFailure(failure);
  throw Failure(
      FailureCode::backup_failed,
      fmt::format("the Rancher backup operator was not asked for a backup: {}", failure.what()),
      failure.advice, failure.detail);
}

/// A Backup that was created.
struct Created {
  ObjectName name;
  Uid uid;
};

awaitable<Created> create_backup(Context context, ObjectName name) {
  std::optional<KubectlFailure> failed;
  try {
    const auto created =
        co_await context.local().create(operator_backup(name, context.seen().backup.resource_set));
    co_return Created{text_at(created, "/metadata/name"), parse_operator_backup(created).uid};
  } catch (const KubectlFailure& failure) {
    failed = failure;
  }
  refuse(*failed);
}

/// True for the error that no other attempt mends: rancher/backup-restore-operator v11.0.1,
/// pkg/controllers/backup/controller.go: performBackup.
bool is_without_storage(const OperatorBackup& backup) {
  return backup.trouble.str().find("needs to specify S3 details") != std::string::npos;
}

/// Follows one Backup.
class Following {
 public:
  Following(Journal journal, Uid uid) : journal_(std::move(journal)), uid_(std::move(uid)) {}

  /// Stops when the Backup is complete or gone, and at the first error of the operator.
  Flow see(const WatchEvent& event) {
    auto now = parse_operator_backup(event.object);
    if (now.uid != uid_) return Flow::go_on;
    if (event.type == WatchEvent::Type::deleted) {
      gone_ = true;
      return Flow::stop;
    }
    const auto is_new = !now.trouble.empty() && now.trouble != last_.trouble;
    const auto first = last_.trouble.empty();
    last_ = std::move(now);
    if (last_.complete) return Flow::stop;
    if (!is_new) return Flow::go_on;
    journal_.wait_progress(
        fmt::format("the backup operator says: {}; it tries again", last_.trouble));
    return first ? Flow::stop : Flow::go_on;
  }
  const OperatorBackup& last() const { return last_; }
  bool over() const { return gone_ || last_.complete; }

 private:
  Journal journal_;
  Uid uid_;
  OperatorBackup last_;
  bool gone_ = false;
};

/// Waits until the Backup is complete or gone, or the time is over.
awaitable<void> follow(Context context, ObjectName name, Following& following) {
  const auto deadline = context.deadline();
  const auto kubectl = context.local();
  const auto query = commands::watched_operator_backup(name);
  const auto on_event = [&](const WatchEvent& event) { return following.see(event); };
  const auto on_list = [] {};
  co_await kubectl.watch(query, deadline.left(), on_list, on_event);
  if (following.over() || following.last().trouble.empty()) co_return;
  // The operator tries again, and says nothing else before it has succeeded.
  const auto lasts = is_without_storage(following.last());
  const auto left =
      lasts ? std::min<std::chrono::milliseconds>(error_lasts, deadline.left()) : deadline.left();
  co_await kubectl.watch(query, left, on_list, on_event);
}

/// The failure of a Backup that is not complete.
Failure incomplete(const Context& context, const ObjectName& name, const OperatorBackup& last) {
  const auto kubectl = context.local();
  const auto happened =
      fmt::format("the Rancher backup operator did not complete the Backup {}", name);
  const auto seen = kubectl.shown(commands::described_operator_backup(name));
  if (last.trouble.empty()) {
    return {
        FailureCode::backup_failed,
        fmt::format("{} within {}, and reports no error", happened, duration_text(context.wait())),
        {fmt::format("see whether the operator runs. The Backup stays, and a running operator "
                     "still completes it ({})",
                     seen),
         kubectl.shown(commands::backup_operators())}};
  }
  const auto nowhere = is_without_storage(last);
  return {FailureCode::backup_failed, fmt::format("{}: {}", happened, last.trouble),
          Advice(nowhere ? "give the operator a storage: its chart rancher-backup has the values "
                           "persistence and s3; then run again. The Backup stays; see it"
                         : "mend that and run again. The Backup stays, and the operator tries on; "
                           "see it",
                 seen)};
}

awaitable<void> await_backup(Context context, ObjectName name, Uid uid) {
  const auto& journal = context.journal();
  journal.wait_started(fmt::format("for the backup operator to complete the Backup {}", name),
                       context.wait());
  Following following(journal, std::move(uid));
  std::optional<KubectlFailure> failed;
  try {
    co_await follow(context, name, following);
  } catch (const KubectlFailure& failure) {
    failed = failure;
  }
  if (failed) {
    throw KubectlFailure(
        failed->kind,
        Failure(FailureCode::backup_failed,
                fmt::format("the Backup {} was created, and could not be followed: {}", name,
                            failed->what()),
                Advice("it stays, and the backup operator goes on with it; see it",
                       context.local().shown(commands::described_operator_backup(name))),
                failed->detail));
  }
  const auto& last = following.last();
  if (last.complete) {
    context.backup_is_stored(stored_text(last));
    journal.wait_ended("the backup is complete");
    journal.change(fmt::format("the backup operator saved Rancher as {} (Backup {})",
                               stored_text(last), name));
    co_return;
  }
  if (following.over()) {
    throw Failure(FailureCode::backup_failed,
                  fmt::format("the Backup {} was deleted before it was complete", name),
                  "nothing else was changed; run again");
  }
  const auto kubectl = context.local();
  co_await kubectl.check_answers(fmt::format("whether the Backup {} was completed within {}", name,
                                             duration_text(context.wait())));
  throw incomplete(context, name, last);
}

awaitable<void> run(Context context) {
  // The name is known before the Backup, so that an interruption can name it.
  auto name = new_name(backup_prefix(context.seen(), context.options()));
  auto kubectl = context.local();
  co_await check_same_cluster(kubectl, context.seen().local.kube_system_uid);
  context.journal().change(fmt::format("creating the Backup {} in the local cluster", name));
  try {
    auto created = co_await create_backup(context, name);
    name = created.name;
    context.state().backups.push_back(fmt::format("the Backup {} in the local cluster", name));
    co_await await_backup(context, name, std::move(created.uid));
  } catch (const Interrupted&) {
    context.journal().warning(
        fmt::format("if the Backup {} was created, it stays in the local cluster, and the backup "
                    "operator goes on with it",
                    name),
        Advice("see it", kubectl.shown(commands::described_operator_backup(name))));
    throw;
  }
}

StepResult result(const Observation& seen) {
  return {fmt::format("the backup operator saved Rancher as {}", seen.backup.stored_as)};
}

std::vector<Permission> permissions(const Observation&, const PlanOptions& options) {
  if (options.backup.kind != BackupChoice::Kind::backup_operator) return {};
  return {{Side::local, "create", "resources.cattle.io", "backups", {}},
          {Side::local, "get", "resources.cattle.io", "backups", {}},
          {Side::local, "list", "resources.cattle.io", "backups", {}},
          {Side::local, "watch", "resources.cattle.io", "backups", {}}};
}

}  // namespace

extern const StepWork backup_rancher{
    .plan = plan, .run = run, .result = result, .permissions = permissions};

}  // namespace retrust
