#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "binaries/endings.h"
#include "process/process.h"
#include "transcript/event.h"

namespace retrust {

/// What a command prints: `secret` output is never written down.
enum class Output { secret, public_text };

/// How a command appears in the events that tell of it.
struct Announcement {
  std::string section = {};        ///< of the runbook, or empty
  std::string line = {};           ///< as a person would type it
  std::string name = {};           ///< short, for sentences, e.g. "kubectl get secrets"
  std::string given = {};          ///< what is given on standard input, in words
  boost::json::object about = {};  ///< further fields of both events
  Output output = Output::secret;
  Weight weight = Weight::documented;
};

/// Runs a command, telling of its start and its end. Throws Interrupted where a signal ended it,
/// and what the reader throws.
boost::asio::awaitable<Outcome> run_announced(Runner& runner, EventSink& events,
                                              Announcement announcement, Command command,
                                              OutputReader reader = {});

}  // namespace retrust
