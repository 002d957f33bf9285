#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "process/deadline.h"
#include "steps/cluster_watch.h"
#include "steps/deletion.h"
#include "steps/plan.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

/// What the steps of one run share. They get at it by a Context.
class RunData {
 public:
  /// The folder must outlive this. `wait` is the limit for what a step causes.
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
  RunState state_;
  std::set<Step> expected_;
  std::optional<StoredDigest> noted_;
  ClusterWatch watch_;
};

/// Everything that a step may use, for one section of the runbook. Cheap to copy.
///
/// Other tasks write the observation during a co_await: keep no reference into it across one, and
/// say how things stand by what is seen() afterwards.
class Context {
 public:
  /// The data must outlive this and its copies. An empty section stands for the run as a whole.
  explicit Context(RunData& data, std::string_view section = {})
      : data_(&data), journal_(data.journal_.in_section(section)), section_(section) {}
  Context in_section(std::string_view section) const { return Context(*data_, section); }
  Context in_section_of(Step step) const { return in_section(info_of(step).section); }

  const Journal& journal() const { return journal_; }
  /// Of the run as a whole.
  const Journal& run_journal() const { return data_->journal_; }
  const PlanOptions& options() const { return data_->options_; }
  const RunFolder& folder() const { return data_->folder_; }
  Redactor& redactor() const { return data_->clusters_.redactor; }
  std::chrono::milliseconds wait() const { return data_->wait_; }
  /// Of that time, from now on.
  Deadline deadline() const { return Deadline(wait()); }

  /// Both announce their commands in this section, and wait out a server that is away.
  Kubectl downstream() const;
  Kubectl local() const;
  Docker docker() const { return data_->tools_.docker.in_section(section_); }
  /// For the programs that have no section.
  BackupTools& tools() const { return data_->tools_; }
  /// Without a section or patience, for those who observe.
  Clusters& clusters() const { return data_->clusters_; }
  ClusterWatch& cluster_watch() const { return data_->watch_; }

  const Observation& seen() const { return data_->seen_; }
  RunState& state() const { return data_->state_; }
  /// The plan of what is needed now.
  Plan plan() const { return make_plan(seen(), options(), state()); }
  /// Whether this run will perform that step, too, where it is needed.
  bool expects(Step step) const { return data_->expected_.contains(step); }
  /// Of the runner: which steps those are.
  void expect(std::set<Step> steps) { data_->expected_ = std::move(steps); }

  /// Announces a change of an object whose uid has just been read, as the last thing before it.
  void announce(const std::string& text, Change change = {}) const;
  /// The same where only the name is known: throws Failure (refused) where the kubeconfig leads to
  /// another cluster by now. Any of the two clusters.
  boost::asio::awaitable<void> check_and_announce(Kubectl kubectl, std::string text) const;
  /// Records what Rancher is to have stored in the end: rollback tells others' changes by it.
  void note_live() const;

  // The only writers of the observation.

  /// Everything was observed again.
  void observed(Observation now) const;
  /// `due`: the Secret that the resource names was not read with it.
  enum class Token { read, due };
  /// Throws Failure (refused) where it is another resource than before.
  void saw_cluster(ClusterResource now, Token token = Token::read) const;
  /// What Rancher said of the cluster is older than a change.
  void forget_readiness() const;
  /// Best first, as parse_tokens has them.
  void saw_tokens(std::vector<TokenSecret> now) const;
  void secrets_are_gone(const Deletion& deletion) const;
  void account_lists_first(ObjectName secret) const;
  void saw_pods(std::vector<Pod> now) const;
  /// The cluster was reached with these; they may be stored no longer.
  void were_accepted(const Credentials& credentials) const;
  /// Every rejected token that Rancher's users do not need.
  void users_tokens_are_gone() const;

 private:
  /// Notes when the stored credentials become the live ones.
  void note_equal(const Comparison& before) const;

  RunData* data_;
  Journal journal_;
  std::string section_;
};

}  // namespace retrust
