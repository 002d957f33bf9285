#pragma once

#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/failure.h"
#include "process/process.h"
#include "tools/endings.h"
#include "transcript/event.h"

namespace retrust {

/// Secrecy of a command's output. Secret output is never written down.
enum class Output { secret, public_text };

/// Treatment of standard error. A kubectl with secret output has secret errors too: only known
/// lines pass.
enum class Errors { passed_on, known_lines };

/// A barrier that opens once both kubeconfigs were read, as far as they can be read. The output of
/// other commands is not emitted before.
class Gate {
 public:
  /// Whether the secrets of both kubeconfigs are registered.
  enum class Secrets { registered, unknown };

  explicit Gate(const boost::asio::any_io_executor& executor)
      : opened_(executor, boost::asio::steady_timer::time_point::max()) {}
  void open(Secrets secrets);
  boost::asio::awaitable<Secrets> wait();

 private:
  boost::asio::steady_timer opened_;
  std::optional<Secrets> secrets_;  ///< none while the gate is closed
};

/// The description of a command in its events.
struct Announcement {
  std::string section = {};  ///< section of the runbook, or empty
  std::string line = {};     ///< the command as a person would type it
  std::string name = {};     ///< short name for sentences, e.g. "kubectl get secrets"
  std::string given = {};    ///< the content of standard input, in words
  CommandAbout about = {};   ///< everything about the command but its id
  Output output = Output::secret;
  Errors errors = Errors::passed_on;
  Weight weight = Weight::documented;
  Gate* gate = nullptr;  ///< awaited before the end event; may be null
};

/// Emits the start event of a command. Returns the part of the end event that is known by then.
CommandEnded tell_start(EventSink& events, const Announcement& announcement);
/// Emits the end event of a command.
void tell_end(EventSink& events, const Announcement& announcement, CommandEnded end);

/// Result of work that is announced as a command.
struct CommandEnd {
  Outcome outcome;
  std::string how;  ///< the ending in words, e.g. "exit status 0"
};

/// Awaits the work. Emits the same start and end events as run_announced.
boost::asio::awaitable<Outcome> announced(EventSink& events, Announcement announcement,
                                          boost::asio::awaitable<CommandEnd> work);

/// The failure for a program that was not started because the system lacks what a process needs.
struct NoResources : Failure {
  explicit NoResources(const Outcome& outcome);
};

/// Runs a command and emits its start and end events. Withheld standard error is missing from the
/// outcome too. Throws NoResources, Interrupted if a signal ended the command, and passes on
/// exceptions of the reader.
boost::asio::awaitable<Outcome> run_announced(Runner& runner, EventSink& events,
                                              Announcement announcement, Command command,
                                              OutputReader reader = {});

}  // namespace retrust
