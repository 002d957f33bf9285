#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/redactor.h"
#include "cli/options.h"
#include "process/process.h"
#include "process/slots.h"
#include "run/saved_plan.h"
#include "ui/output.h"
#include "ui/terminal.h"

namespace retrust {

/// What all clusters of a command share: standard input and output, children, and signals.
class Host {
 public:
  explicit Host(const Environment& environment);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Passes signals on to children and to a question, until leave_signals().
  void await_signals();
  void leave_signals() { signals_.cancel(); }

  /// "root@bastion, by sudo of ada": the person to ask about this run.
  const std::string operator_name;
  Console output;
  boost::asio::io_context io{1};
  Runner runner;
  Prompt prompt;
  std::optional<SavedPlan> saved_plan;    ///< that `run --plan` is to perform
  Slots questions{io.get_executor(), 1};  ///< one question is open at a time
  Redactor redactor;
  /// Called with a signal, after the children got it.
  std::function<void(int)> on_signal = [](int) {};

 private:
  boost::asio::signal_set signals_;
};

}  // namespace retrust
