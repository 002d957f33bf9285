#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "observe/observe.h"
#include "run/hold.h"
#include "run/saved_cluster.h"
#include "run/step_runner.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

struct RollbackOptions {
  std::filesystem::path from;  ///< folder of the run to undo
  std::string cluster;         ///< ID or display name of the run's cluster; empty: any
  NamespaceName name_space = "cattle-system";
  /// True if a kubeconfig of the downstream cluster was given: the restored token is then tried.
  bool tries_token = false;
  /// True if the rollback overwrites changes that somebody else made since. Otherwise it refuses.
  bool overwrites_others = false;
  /// Limit of the wait for another run, and for an API server to answer.
  std::chrono::milliseconds wait{std::chrono::minutes{5}};
  std::string operator_name = {};  ///< for other runs, see Holder
  /// Called before the change. Throws Failure where this machine lacks what a change needs.
  std::function<boost::asio::awaitable<void>()> before_change = {};
};

/// Restores Rancher's stored credentials of a cluster from before a run: the CA, and the token or
/// the name of its Secret. Changes nothing else in the clusters resource.
class Rollback {
 public:
  /// The references must outlive this.
  Rollback(Clusters clusters, Journal journal, RunFolder& folder, RollbackOptions options,
           Confirm confirm)
      : clusters_(std::move(clusters)),
        journal_(std::move(journal)),
        folder_(folder),
        options_(std::move(options)),
        confirm_(std::move(confirm)),
        hold_(journal_) {}

  /// Runs the rollback. Returns when Rancher has the credentials stored again, or had them already.
  /// Throws Failure or Interrupted.
  boost::asio::awaitable<void> run();

  bool changed() const { return changed_; }
  /// The cluster of the folder; empty before the folder is read.
  const ClusterId& cluster() const { return saved_.cluster.id; }

  /// Final state in one sentence, and the next actions of the operator.
  const std::string& verdict() const { return verdict_; }
  const std::vector<Advice>& next() const { return next_; }

 private:
  boost::asio::awaitable<void> put_back();
  /// Keeps other runs away from the cluster until the end.
  boost::asio::awaitable<void> take_hold();
  /// True if the resource differs from the saved one. Throws Failure if it is not the same
  /// resource, or holds a value from neither before that run nor the run.
  bool is_due(const ClusterResource& now) const;
  void check_cluster_wanted() const;
  /// Reports the clusters' identities, as far as the clusters show them.
  boost::asio::awaitable<void> look_around();
  /// Checks the identity of the clusters as a run does, if a kubeconfig of the downstream cluster
  /// was given.
  boost::asio::awaitable<void> check_clusters(const ClusterResource& now);
  boost::asio::awaitable<void> check_token_secret() const;
  boost::asio::awaitable<void> try_saved_token();
  void judge_token();
  void set_verdict(const Condition& before, const Condition& now);

  Clusters clusters_;
  Journal journal_;
  RunFolder& folder_;
  RollbackOptions options_;
  Confirm confirm_;
  Hold hold_;
  SavedCluster saved_;
  Observation seen_;
  std::exception_ptr unanswered_;  ///< failure of the first unanswered question
  /// Verdict on the restored token.
  Verdict saved_verdict_ = Verdict::unknown;
  std::string verdict_;
  std::vector<Advice> next_;
  bool changed_ = false;
};

}  // namespace retrust
