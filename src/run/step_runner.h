#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/failure.h"
#include "choices/backup_choice.h"
#include "observe/backup_offers.h"
#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "report/findings.h"
#include "report/verdict.h"
#include "run/hold.h"
#include "steps/context.h"
#include "steps/plan.h"

namespace retrust {

/// Consent of the operator.
enum class Answer {
  yes,        ///< given after a question: much may have changed meanwhile
  yes_ahead,  ///< given by --yes, without a question
  all,        ///< given after a question, and also for what was offered beside it
};
struct ConsentQuestion {
  std::string text;
  std::string more = {};  ///< what the answer "all" adds; empty: nothing is offered
  /// The parts of the text, for a question about several clusters.
  std::string cluster = {};  ///< "production (c-x7k2p)"
  std::string changes = {};  ///< "2.1 delete-token, 2.2 recreate-agents"
  std::string effects = {};  ///< effects that people notice, in sentences
  std::string claim = {};    ///< what is not proven about the cluster; else empty
};
/// Asks the operator. Throws Failure (refused) if the answer is anything but a clear yes.
using Confirm = std::function<boost::asio::awaitable<Answer>(ConsentQuestion question)>;

/// Performs a step that is about Rancher as a whole once for several runs: calls `work`, or waits
/// until another run has done the work. Returns the name of that run; empty if this one did it.
using Share = std::function<boost::asio::awaitable<std::string>(
    Step step, std::function<boost::asio::awaitable<void>()> work)>;

struct RunnerOptions {
  ObserveOptions observe;
  PlanOptions plan;
  std::chrono::milliseconds wait{std::chrono::minutes{5}};  ///< limit for each effect of a step
  std::string operator_name = {};                           ///< for other runs, see Holder
  /// Called once the cluster's ID is known, before anything is saved.
  std::function<void(const ClusterId&)> identified = {};
  /// Called before the first change. Throws Failure where this machine lacks what changes need.
  std::function<boost::asio::awaitable<void>()> before_change = {};
  /// Where other runs share work with this one; empty: this one does all of it.
  Share share = {};
  /// Where a saved plan alone may be performed: called before any change with each observation that
  /// a plan is made of. Throws Failure (refused) if the saved plan does not hold.
  std::function<void(const Observation&, const PlanOptions&)> check_saved_plan = {};
};

/// Performs steps: observes, plans, asks for consent, acts, proves. Knows no step by name.
class StepRunner {
 public:
  /// The folder must outlive this.
  StepRunner(Clusters clusters, BackupTools tools, Journal journal, const RunFolder& folder,
             RunnerOptions options, Confirm confirm)
      : observe_(std::move(options.observe)),
        confirm_(std::move(confirm)),
        identified_(std::move(options.identified)),
        before_change_(std::move(options.before_change)),
        share_(std::move(options.share)),
        check_saved_plan_(std::move(options.check_saved_plan)),
        operator_name_(std::move(options.operator_name)),
        data_(std::move(clusters), std::move(tools), std::move(journal), folder,
              std::move(options.plan), options.wait) {}
  StepRunner(const StepRunner&) = delete;
  StepRunner& operator=(const StepRunner&) = delete;

  /// Performs the needed steps. Returns after the proof. Throws Failure or Interrupted.
  boost::asio::awaitable<void> run();

  /// Performs one step, needed or not.
  boost::asio::awaitable<void> run_step(Step step);

  const Observation& observation() const { return context_.seen(); }

  /// True after a change: a later refusal is a failure.
  bool changed() const { return context_.state().changed; }

  /// Backups to propose, if the operator chose none.
  const BackupOffers& offers() const { return offers_; }

  /// Backups of this run, each in words. They stay after a refusal.
  const std::vector<std::string>& backups() const { return context_.state().backups; }

  /// Tells whether a rollback of this run has something to put back: Rancher's record differs from
  /// the saved one.
  WayBack way_back() const;

  /// Final state in one sentence.
  const std::string& verdict() const { return verdict_; }

  /// Writer of the credentials that Rancher has stored now.
  Repaired repaired() const { return context_.state().repaired; }

  /// Plan of the steps that are still needed.
  Plan left() const;

 private:
  boost::asio::awaitable<void> perform_plan();
  boost::asio::awaitable<void> perform_alone(Step step);
  /// Does the work, then ends the watch of the cluster and releases it, also after a failure.
  boost::asio::awaitable<void> and_end_watch(boost::asio::awaitable<void> work);
  boost::asio::awaitable<void> prepare();
  /// Waits until the cluster hands out one CA: Kubernetes writes a renewed CA into the secrets and
  /// into kube-root-ca.crt one after the other.
  boost::asio::awaitable<void> await_one_ca();
  boost::asio::awaitable<Answer> confirm_plan(const Plan& plan);
  /// Throws Failure if a saved plan is to be performed, and does not hold.
  void check_saved() const;
  /// Throws Failure if a saved plan is performed that does not name a step which is needed by now.
  void check_named(const PlannedStep& agreed) const;
  /// Makes the backup of section 1.
  boost::asio::awaitable<void> back_rancher_up();
  /// Observes again after a question or a backup, and checks that the clusters may be changed.
  /// Throws Failure.
  boost::asio::awaitable<void> observe_again();
  /// Keeps other runs away from the cluster until the end, after a wait for the one that has it.
  /// Returns false if the cluster was held already.
  boost::asio::awaitable<bool> take_hold();
  /// Saves the clusters resource before the first change.
  boost::asio::awaitable<void> save_cluster();
  boost::asio::awaitable<void> perform(PlannedStep planned);
  /// Does the work of a step. Returns the name of another run that did it instead; else empty.
  boost::asio::awaitable<std::string> do_work(Step step, Context context);
  /// Performs a step that was asked for by itself, and sets the verdict.
  boost::asio::awaitable<void> perform_only(PlannedStep planned);
  /// Proves the result, waits for Rancher's Ready condition, and reports the stored credentials.
  boost::asio::awaitable<void> conclude();
  /// True if the plan changes nothing, and Rancher has stored what the cluster has.
  bool nothing_left(const Plan& plan) const;
  /// True if a step that was asked for by itself is not needed. Sets the verdict then.
  bool says_not_needed(const PlannedStep& planned);

  ObserveOptions observe_;
  Confirm confirm_;
  std::function<void(const ClusterId&)> identified_;
  std::function<boost::asio::awaitable<void>()> before_change_;
  Share share_;
  std::function<void(const Observation&, const PlanOptions&)> check_saved_plan_;
  std::string operator_name_;
  RunData data_;
  Context context_{data_};
  Hold hold_{context_.run_journal()};
  bool held_ = false;
  BackupOffers offers_;
  BackupMade backup_made_ = BackupMade::no;
  /// Time of the last observation.
  std::chrono::steady_clock::time_point observed_;
  /// Text of Rancher's first stored credentials.
  std::vector<std::string> stored_before_;
  std::string verdict_;
};

}  // namespace retrust
