#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "choices/backup_choice.h"
#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "report/findings.h"
#include "report/verdict.h"
#include "steps/context.h"
#include "steps/plan.h"

namespace retrust {

/// How the operator agreed.
enum class Answer {
  yes,        ///< after some time, in which much may have changed
  yes_ahead,  ///< by --yes: nobody was asked
};
/// Throws Failure (refused) where the answer is anything but a clear yes.
using Confirm = std::function<boost::asio::awaitable<Answer>(const std::string& question)>;

struct RunnerOptions {
  ObserveOptions observe;
  PlanOptions plan;
  std::chrono::milliseconds wait{std::chrono::minutes{5}};  ///< for what a step causes
};

/// Performs steps: observe, plan, confirm, act, prove. Knows no step by name.
class StepRunner {
 public:
  /// The folder must outlive this.
  StepRunner(Clusters clusters, BackupTools tools, Journal journal, const RunFolder& folder,
             RunnerOptions options, Confirm confirm)
      : observe_(std::move(options.observe)),
        confirm_(std::move(confirm)),
        data_(std::move(clusters), std::move(tools), std::move(journal), folder,
              std::move(options.plan), options.wait) {}
  StepRunner(const StepRunner&) = delete;
  StepRunner& operator=(const StepRunner&) = delete;

  /// Does what is needed. Throws Failure or Interrupted; returns when it is proven done.
  boost::asio::awaitable<void> run();

  /// Performs one step, needed or not.
  boost::asio::awaitable<void> run_step(Step step);

  const Observation& observation() const { return context_.seen(); }

  /// Whether anything has been changed so far: a refusal after that is a failure.
  bool changed() const { return context_.state().changed; }

  BackupMade backup_made() const { return backup_made_; }

  /// Whether Rancher's record is by now another one than was saved, so that a rollback of this run
  /// has something to put back.
  WayBack way_back() const;

  /// Where things stand in the end, one sentence.
  const std::string& verdict() const { return verdict_; }

  /// Who wrote what Rancher has stored now.
  Repaired repaired() const { return context_.state().repaired; }

  /// The plan of all that is still needed.
  Plan left() const;

 private:
  boost::asio::awaitable<void> perform_plan();
  boost::asio::awaitable<void> perform_alone(Step step);
  /// Does the work, then ends what still watches the cluster, also after a failure.
  boost::asio::awaitable<void> and_end_watch(boost::asio::awaitable<void> work);
  boost::asio::awaitable<void> prepare();
  /// A renewed CA is written into the secrets and into kube-root-ca.crt one after the other.
  boost::asio::awaitable<void> await_one_ca();
  boost::asio::awaitable<Answer> confirm_plan(const Plan& plan);
  /// Section 1.
  boost::asio::awaitable<void> back_rancher_up();
  /// After what took its time: what is there now decides. Throws as preflight does.
  boost::asio::awaitable<void> observe_again();
  /// The clusters resource as it is before the first change.
  boost::asio::awaitable<void> save_cluster();
  boost::asio::awaitable<void> perform(PlannedStep planned);
  /// The same of a step that was asked for by itself; the verdict says so.
  boost::asio::awaitable<void> perform_only(PlannedStep planned);
  /// Proof, Rancher's own word, and what it has stored now.
  boost::asio::awaitable<void> conclude();
  /// Whether a step that was asked for by itself is not needed; the verdict says so then.
  bool says_not_needed(const PlannedStep& planned);

  ObserveOptions observe_;
  Confirm confirm_;
  RunData data_;
  Context context_{data_};
  BackupMade backup_made_ = BackupMade::no;
  /// Time of the last observation.
  std::chrono::steady_clock::time_point observed_;
  /// What Rancher had stored at first, as it is shown.
  std::vector<std::string> stored_before_;
  std::string verdict_;
};

}  // namespace retrust
