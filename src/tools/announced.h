#pragma once

#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "process/process.h"
#include "tools/endings.h"
#include "transcript/event.h"

namespace retrust {

/// What a command prints: `secret` output is never written down.
enum class Output { secret, public_text };

/// What becomes of standard error: that of a kubectl with secret output is secret too.
enum class Errors { passed_on, known_lines };

/// Opens when both kubeconfigs were read, as far as they can be: what other commands printed is not
/// emitted before.
class Gate {
 public:
  /// Whether their secrets are registered.
  enum class Secrets { registered, unknown };

  explicit Gate(const boost::asio::any_io_executor& executor)
      : opened_(executor, boost::asio::steady_timer::time_point::max()) {}
  void open(Secrets secrets);
  boost::asio::awaitable<Secrets> wait();

 private:
  boost::asio::steady_timer opened_;
  std::optional<Secrets> secrets_;  ///< nothing while it is closed
};

/// How a command appears in the events that tell of it.
struct Announcement {
  std::string section = {};  ///< of the runbook, or empty
  std::string line = {};     ///< as a person would type it
  std::string name = {};     ///< short, for sentences, e.g. "kubectl get secrets"
  std::string given = {};    ///< what is given on standard input, in words
  CommandAbout about = {};   ///< but the id
  Output output = Output::secret;
  Errors errors = Errors::passed_on;
  Weight weight = Weight::documented;
  Gate* gate = nullptr;  ///< awaited before the end is told; may be none
};

/// Tells that a command begins. Returns what is known of its end by then.
CommandEnded tell_start(EventSink& events, const Announcement& announcement);
/// Tells that a command ended.
void tell_end(EventSink& events, const Announcement& announcement, CommandEnded end);

/// What came of something that is announced as a command.
struct CommandEnd {
  Outcome outcome;
  std::string how;  ///< "exit status 0" and the like
};

/// Awaits it, telling of its start and its end as run_announced does.
boost::asio::awaitable<Outcome> announced(EventSink& events, Announcement announcement,
                                          boost::asio::awaitable<CommandEnd> work);

/// Runs a command, telling of its start and its end. What is withheld of its standard error is not
/// in the outcome either. Throws Interrupted where a signal ended it,
/// and what the reader throws.
boost::asio::awaitable<Outcome> run_announced(Runner& runner, EventSink& events,
                                              Announcement announcement, Command command,
                                              OutputReader reader = {});

}  // namespace retrust
