#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "app/host.h"
#include "app/record.h"
#include "app/resources.h"
#include "app/toolbox.h"
#include "base/failure.h"
#include "cli/options.h"
#include "report/next.h"
#include "run/step_runner.h"
#include "transcript/event.h"
#include "ui/display.h"
#include "ui/terminal.h"

namespace retrust {

/// Options, tools, events and files of a command, or of its part for one of several clusters.
class Invocation {
 public:
  using Command = boost::asio::awaitable<ExitStatus> (*)(Invocation&);

  /// The command of the program, which shows its events itself. The host must outlive this.
  Invocation(Host& host, Options options_given, Called called_as, const Environment& environment);
  /// The part for one of several clusters. `shown` shows its events. The host and the display must
  /// outlive this.
  Invocation(Host& host, Options options_given, Called called_as, std::shared_ptr<EventSink> shown,
             Display& display);

  /// Performs the command of the program. Returns its exit status.
  int run(Command command);
  /// Performs the command. Turns every end into an exit status, and reports it.
  boost::asio::awaitable<ExitStatus> perform(Command command);
  /// Opens the run folder, in which `what` is the first line of the transcript.
  Record& open_record(std::string_view what, RunFolder::Content content = RunFolder::Content::run);
  /// True if standard output gets lines of JSON and lost some: they are a result.
  bool lost_lines() const;
  /// True after a change in a cluster.
  bool changed() const { return standing().changed; }
  Standing standing() const { return record_ ? record_->standing() : Standing{}; }

  Host& host;
  Options options;  ///< where the cluster is found out, select_clusters() completes them
  Called called;
  std::string about;               ///< the full name of one of several clusters; else empty
  std::vector<std::string> found;  ///< what was found out about the kubeconfigs, a line each
  Console& output;
  Runner& runner;
  Redactor& redactor;
  Events events;
  Toolbox toolbox;
  std::shared_ptr<TerminalSink> terminal;  ///< of the command of the program, else null
  Display& display;

  /// How the operator is asked. By default each question is put by itself.
  std::function<Confirm(Record&)> asks = [](Record& record) { return record.confirm(); };
  /// Why nothing may be done for the cluster; empty: nothing speaks against it.
  std::string refuses;
  /// Shares work that concerns Rancher as a whole with other runs, see RunnerOptions.
  Share share = {};
  /// Takes the plan that `plan --out` saves for the cluster. Returns a sentence about the file. By
  /// default the plan is saved by itself.
  std::function<std::string(boost::json::object)> keep_plan;
  /// Takes the report of `status` and `plan` in JSON. By default it is printed.
  std::function<void(const boost::json::value&)> print_report;

 private:
  void report(const Failure& failure);

  std::optional<ResourceWait> resource_wait_;
  bool prints_lines_ = false;
  std::optional<Record> record_;
};

/// Prints JSON as one line.
void print_json(Console& output, const boost::json::value& value);

}  // namespace retrust
