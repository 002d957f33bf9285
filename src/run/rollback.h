#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "observe/observe.h"
#include "run/saved_cluster.h"
#include "run/step_runner.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

struct RollbackOptions {
  std::filesystem::path from;  ///< the folder of the run that is taken back
  std::string cluster;         ///< ID or display name that it must be of; empty: any
  NamespaceName name_space = "cattle-system";
  /// Whether the token that comes back is tried: a kubeconfig of the downstream cluster was given.
  bool tries_token = false;
  /// Whether changes that somebody else made since are overwritten. Else they are a refusal.
  bool overwrites_others = false;
};

/// Puts back what Rancher had stored for a cluster before a run: CA, and token or the name of its
/// Secret; nothing else of the clusters resource.
class Rollback {
 public:
  /// The references must outlive this.
  Rollback(Clusters clusters, Journal journal, RunFolder& folder, RollbackOptions options,
           Confirm confirm)
      : clusters_(std::move(clusters)),
        journal_(std::move(journal)),
        folder_(folder),
        options_(std::move(options)),
        confirm_(std::move(confirm)) {}

  /// Throws Failure or Interrupted; returns when Rancher has it again, or had it all the time.
  boost::asio::awaitable<void> run();

  bool changed() const { return changed_; }
  /// The cluster of the folder; empty before that is read.
  const ClusterId& cluster() const { return saved_.cluster.id; }

  /// Where things stand in the end, and what a person does about it.
  const std::string& verdict() const { return verdict_; }
  const std::vector<Advice>& next() const { return next_; }

 private:
  /// Whether anything is left to put back. Throws where the resource is not the one that was saved,
  /// or holds what neither was there then nor came of that run.
  bool is_due(const ClusterResource& now) const;
  void check_cluster_wanted() const;
  /// Tells which clusters these are, as far as they say so.
  boost::asio::awaitable<void> look_around();
  /// The identity check of a run, where a kubeconfig of the downstream cluster was given.
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
  SavedCluster saved_;
  Observation seen_;
  std::exception_ptr unanswered_;  ///< the first question that a cluster did not answer
  /// Of the token that comes back.
  Verdict saved_verdict_ = Verdict::unknown;
  std::string verdict_;
  std::vector<Advice> next_;
  bool changed_ = false;
};

}  // namespace retrust
