#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "credentials/secret.h"
#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "process/deadline.h"
#include "steps/cluster_watch.h"
#include "steps/deletion.h"
#include "steps/plan.h"
#include "steps/shown_reads.h"
#include "steps/step.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

/// Data that the steps of one run share through a Context.
class RunData {
 public:
  /// The folder must outlive this. `wait` is the limit for each effect of a step.
  RunData(Clusters clusters, BackupTools tools, Journal journal, const RunFolder& folder,
          PlanOptions options, std::chrono::milliseconds wait);

 private:
  friend class Context;
  Clusters clusters_;
  BackupTools tools_;
  Journal journal_;
  const RunFolder& folder_;
  PlanOptions options_;
  std::chrono::milliseconds wait_;
  Observation seen_;
  Secret token_read_;  ///< the stored token that was read last
  RunState state_;
  std::set<Step> expected_;
  std::optional<StoredDigest> noted_;
  std::map<Side, std::chrono::steady_clock::time_point> connected_;
  ClusterWatch watch_;
  ShownReads shown_;
};

/// Access of a step to the data of its run, for one section of the runbook. Cheap to copy.
///
/// Other tasks write the observation during a co_await: keep no reference into the observation
/// across one, and read seen() again afterwards.
class Context {
 public:
  /// The data must outlive this and its copies. An empty section stands for the run as a whole.
  explicit Context(RunData& data, std::string_view section = {})
      : data_(&data), journal_(data.journal_.in_section(section)), section_(section) {}
  Context in_section(std::string_view section) const { return Context(*data_, section); }
  Context in_section_of(Step step) const { return in_section(info_of(step).section); }

  const Journal& journal() const { return journal_; }
  /// The journal of the run as a whole.
  const Journal& run_journal() const { return data_->journal_; }
  const PlanOptions& options() const { return data_->options_; }
  const RunFolder& folder() const { return data_->folder_; }
  Redactor& redactor() const { return data_->clusters_.redactor; }
  std::chrono::milliseconds wait() const { return data_->wait_; }
  /// A deadline that begins now and ends after wait().
  Deadline deadline() const { return Deadline(wait()); }

  /// The kubectl of either cluster. Announces its commands in this section, and waits for a server
  /// that is away.
  Kubectl downstream() const;
  Kubectl local() const;
  Docker docker() const { return data_->tools_.docker.in_section(section_); }
  /// The programs of backups, outside any section.
  BackupTools& tools() const { return data_->tools_; }
  /// The kubectls for observing, without a section or retries.
  Clusters& clusters() const { return data_->clusters_; }
  ClusterWatch& cluster_watch() const { return data_->watch_; }
  ShownReads& shown_reads() const { return data_->shown_; }

  const Observation& seen() const { return data_->seen_; }
  RunState& state() const { return data_->state_; }
  Situation situation() const { return {seen(), options(), state()}; }
  Order order() const { return situation().order(); }
  Plan plan() const { return make_plan(seen(), options(), state()); }
  /// True if the first plan of this run needs the step.
  bool expects(Step step) const { return data_->expected_.contains(step); }
  /// Sets the steps of the first plan. Only the runner calls this.
  void expect(std::set<Step> steps) { data_->expected_ = std::move(steps); }

  /// Announces a change immediately before it. The uid of the object has just been read.
  void announce(const std::string& text, Change change = {}) const;
  /// Notes that a connection made at this time, or later, led to the cluster that was seen first.
  void connected(Side side, std::chrono::steady_clock::time_point at) const;
  /// The names of the objects that a change affects.
  enum class Names {
    usual,   ///< another cluster may have such objects, too
    random,  ///< no other cluster has them
  };
  /// Checks the cluster of the kubectl, then announces a change of objects that are known by name
  /// only. Does not check before a change of random names if a session serves, whose kubeconfig
  /// file is unchanged, and connected() was fresh_for ago at most. Throws Failure (refused) if the
  /// kubeconfig leads to another cluster by now.
  boost::asio::awaitable<void> check_and_announce(Kubectl kubectl, std::string text,
                                                  Names names = Names::usual) const;
  /// Records the digests of the live credentials, which Rancher is to have stored in the end. A
  /// rollback recognizes others' changes by these digests.
  void note_live() const;

  // Only the functions below write the observation.

  /// Makes 3.2 a part of the run, as --repair-impersonation does.
  void repair_impersonation_too() const;
  /// Replaces the whole observation.
  void observed(Observation now) const;
  void saw_affected(Affected now) const { data_->seen_.affected = std::move(now); }
  /// State of the token in a clusters resource. `due`: the Secret that the resource names was not
  /// read.
  enum class Token { read, due };
  /// Replaces the clusters resource. Throws Failure (refused) if its uid is another than before.
  void saw_cluster(ClusterResource now, Token token = Token::read) const;
  /// Forgets the Ready condition, which is older than a change.
  void forget_readiness() const;
  /// Replaces the token secrets, which are in the order of parse_tokens.
  void saw_tokens(std::vector<TokenSecret> now) const;
  void secrets_are_gone(const Deletion& deletion) const;
  /// Tells which objects of a deletion somebody else had deleted, or replaced. If it was all of
  /// them, the step did not do it.
  void were_gone(Step step, const Deletion& deletion, const std::vector<ObjectName>& gone) const;
  void account_lists_first(ObjectName secret) const;
  void saw_pods(std::vector<Pod> now) const;
  void saw_new_pods(NewPods now) const;
  /// Replaces the pods of the agents' namespace, and what agents mount there.
  void saw_agents(Downstream now) const;
  void saw_registration(Registration now) const;
  /// Notes that the cluster accepted the credentials, which Rancher may no longer have stored.
  void were_accepted(const Credentials& credentials) const;
  /// Notes where the backup operator stored its backup.
  void backup_is_stored(DisplayText where) const;
  /// Notes that every rejected token is deleted, except the tokens that the repair keeps.
  void users_tokens_are_gone() const;
  /// Notes that the rejected token of Rancher's own user is deleted.
  void system_token_is_gone() const;

 private:
  /// Notes the time if the stored credentials have become the live ones.
  void note_equal(const Comparison& before) const;

  RunData* data_;
  Journal journal_;
  std::string section_;
};

}  // namespace retrust
