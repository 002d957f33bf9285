#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "app/record.h"
#include "app/resources.h"
#include "app/toolbox.h"
#include "base/failure.h"
#include "base/redactor.h"
#include "cli/options.h"
#include "process/process.h"
#include "report/next.h"
#include "transcript/event.h"
#include "ui/output.h"
#include "ui/terminal.h"

namespace retrust {

/// Input, output, tools and options of a running command.
class Invocation {
 public:
  Invocation(Options options_given, Called called_as, const Environment& environment);

  using Command = boost::asio::awaitable<ExitStatus> (*)(Invocation&);
  /// Performs the command. Returns the exit status of the program.
  int run(Command command);
  /// Opens the run folder, in which `what` is the first line of the transcript.
  Record& open_record(std::string_view what);
  /// Whether standard output gets lines of JSON and lost some: they are a result.
  bool lost_lines() const;

  Options options;  ///< where the cluster is found out, select_cluster() completes them
  Called called;
  std::vector<std::string> found;  ///< what was found out about the kubeconfigs, a line each
  /// "root@bastion, by sudo of ada": the person to ask about this run.
  const std::string operator_name;
  Console output;
  boost::asio::io_context io{1};
  Runner runner;
  Prompt prompt;
  Redactor redactor;
  Events events;
  Toolbox toolbox;
  std::shared_ptr<TerminalSink> terminal;

 private:
  void await_signals();
  /// Turns every end into an exit status, and says it.
  boost::asio::awaitable<ExitStatus> guarded(Command command);
  void report(const Failure& failure);

  ResourceWait resource_wait_;
  bool prints_lines_ = false;
  boost::asio::signal_set signals_;
  std::optional<Record> record_;
};

}  // namespace retrust
