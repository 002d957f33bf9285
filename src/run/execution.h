#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "report/findings.h"
#include "run/saved_cluster.h"
#include "steps/cluster_watch.h"
#include "steps/deletion.h"
#include "steps/plan.h"
#include "steps/pod_wait.h"
#include "steps/step_result.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

/// How the operator agreed.
enum class Answer {
  yes,        ///< after some time, in which much may have changed
  yes_ahead,  ///< by --yes: nobody was asked
};
/// Throws Failure (refused) where the answer is anything but a clear yes.
using Confirm = std::function<boost::asio::awaitable<Answer>(const std::string& question)>;

struct ExecutionOptions {
  ObserveOptions observe;
  PlanOptions plan;
  std::chrono::milliseconds wait{std::chrono::minutes{5}};  ///< for what a step causes
};

/// Performs the plan: observe, plan, act, verify, until nothing is left to do.
class Execution {
 public:
  /// The references must outlive this.
  Execution(Clusters clusters, BackupTools tools, Journal journal, RunFolder& folder,
            ExecutionOptions options, Confirm confirm)
      : clusters_(std::move(clusters)),
        tools_(std::move(tools)),
        journal_(std::move(journal)),
        folder_(folder),
        options_(std::move(options)),
        confirm_(std::move(confirm)) {}

  /// Does what is needed. Throws Failure or Interrupted; returns when it is proven done.
  boost::asio::awaitable<void> run();

  /// Performs one step, needed or not.
  boost::asio::awaitable<void> run_step(Step step);

  const Observation& observation() const { return observation_; }

  /// Whether anything has been changed so far: a refusal after that is a failure.
  bool changed() const { return changed_; }

  BackupMade backup_made() const { return backup_made_; }

  /// Whether Rancher's record is by now another one than was saved, so that a rollback of this run
  /// has something to put back.
  WayBack way_back() const;

  /// Where things stand in the end, one sentence.
  const std::string& verdict() const { return verdict_; }

  /// Who wrote what Rancher has stored now.
  Repaired repaired() const { return repaired_; }

  /// The plan of all that is still needed.
  Plan left() const;

 private:
  enum class Target { stored, ready };
  enum class Ahead { no, yes };

  boost::asio::awaitable<void> perform_plan();
  /// Proof, Rancher's own word, and what it has stored now.
  boost::asio::awaitable<void> conclude();
  void set_verdict();
  boost::asio::awaitable<void> perform_alone(Step step);
  /// Whether a step that was asked for by itself is not needed; the verdict says so then.
  bool says_not_needed(Step step);
  /// Does the work, then ends what still watches the cluster, also after a failure.
  boost::asio::awaitable<void> and_end_watch(boost::asio::awaitable<void> work);
  boost::asio::awaitable<void> prepare();
  Programs programs() const;
  boost::asio::awaitable<Answer> confirm_plan(const Plan& plan);
  /// Section 1.
  boost::asio::awaitable<void> back_rancher_up();
  /// After what took its time: what is there now decides. Throws as preflight does.
  boost::asio::awaitable<void> observe_again();
  /// The clusters resource as it is before the first change.
  boost::asio::awaitable<void> save_cluster();
  /// What Rancher is to have stored in the end: rollback tells others' changes by it.
  void note_live();
  boost::asio::awaitable<void> perform(const PlannedStep& planned);
  boost::asio::awaitable<void> backup_container();
  boost::asio::awaitable<void> archive_and_copy(Docker docker, const ContainerBackup& backup);
  boost::asio::awaitable<void> make_archive(Docker docker, const ContainerBackup& backup);
  boost::asio::awaitable<void> copy_archive(Docker docker, const ContainerBackup& backup);
  boost::asio::awaitable<void> backup_etcd();
  boost::asio::awaitable<void> delete_token();
  boost::asio::awaitable<void> wait_for_token(std::set<Uid> doomed);
  /// Until a usable token secret of cattle is there that is none of those uids; false where the
  /// time is over.
  boost::asio::awaitable<bool> watch_for_token(std::string section, std::set<Uid> doomed,
                                               std::chrono::milliseconds limit);
  boost::asio::awaitable<void> make_token(std::string section);
  /// Agents of 2.5.8 to 2.6.6 take the first secret that their account lists.
  boost::asio::awaitable<void> list_token_first();
  boost::asio::awaitable<void> await_agents_token();
  /// A renewed CA is written into the secrets and into kube-root-ca.crt one after the other.
  boost::asio::awaitable<void> await_one_ca();
  boost::asio::awaitable<void> recreate_agents();
  boost::asio::awaitable<void> delete_pods(std::vector<Pod> pods);
  boost::asio::awaitable<void> watch_pods(PodWait& wait, std::vector<Pod>& stale);
  boost::asio::awaitable<void> read_live(Step step);
  boost::asio::awaitable<void> check_cluster();
  boost::asio::awaitable<void> try_live();
  boost::asio::awaitable<void> try_live_early();
  boost::asio::awaitable<void> update_cluster();
  boost::asio::awaitable<void> restart_rancher();
  boost::asio::awaitable<void> repair_impersonation();
  boost::asio::awaitable<void> restart_container();
  boost::asio::awaitable<void> await_ready();
  boost::asio::awaitable<void> prove();
  boost::asio::awaitable<void> begin_cluster_watch();
  boost::asio::awaitable<bool> await_cluster(Target target);
  void take_cluster(const boost::json::value& object);
  boost::asio::awaitable<void> read_due_token();
  boost::asio::awaitable<void> read_tokens_again();
  void note_equal(const Comparison& before);

  /// For credentials on trial, whose kubeconfig is of no use to the operator: "live", "stored".
  Failure no_answer(std::string_view which, const KubectlFailure& failure) const;

  std::string ready_text() const;

  Plan plan() const { return make_plan(observation_, options_.plan, progress_); }
  Journal journal(std::string_view section) const { return journal_.in_section(section); }
  /// Says that a change comes, as the last thing before it.
  void announce(const std::string& section, const std::string& text, boost::json::object data = {});
  boost::asio::awaitable<void> delete_secrets(Deletion deletion, std::vector<ObjectName> names);
  Kubectl downstream(Step step) const;
  Kubectl local(Step step) const;

  Clusters clusters_;
  BackupTools tools_;
  Journal journal_;
  RunFolder& folder_;
  ExecutionOptions options_;
  Confirm confirm_;
  BackupMade backup_made_ = BackupMade::no;
  Observation observation_;
  /// Time of the last observation.
  std::chrono::steady_clock::time_point observed_;
  std::optional<StoredDigest> noted_;
  /// What Rancher had stored before the first change.
  std::optional<StoredDigest> saved_;
  /// What is written into Rancher's record, until what is there has been read.
  std::optional<StoredDigest> written_;
  ClusterWatch cluster_watch_{[this](const boost::json::value& object) { take_cluster(object); }};
  /// Whether the watch of 2.5 begins while the agents start: the report follows at once.
  Ahead watch_ahead_ = Ahead::no;
  /// Whether the Secret of the clusters resource is to be read again: the watch shows its name.
  enum class StoredToken { read, due } stored_token_ = StoredToken::read;
  /// What Rancher had stored at first, as it is shown.
  std::vector<std::string> stored_before_;
  Progress progress_;
  /// With these the downstream cluster was reached.
  std::optional<Credentials> proven_;
  /// Secrets that this run deleted: a pod that mounts one never starts.
  std::set<ObjectName> deleted_secrets_;
  /// Whether the agents were waited for in vain.
  enum class Report { unknown, missing } report_ = Report::unknown;
  Repaired repaired_ = Repaired::by_agents;
  std::string verdict_;
  bool changed_ = false;
};

}  // namespace retrust
