#pragma once

#include <map>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "process/tasks.h"
#include "tools/kubectl.h"

namespace retrust {

/// The reads that the runbook documents, where a session has brought their answers already: each
/// runs once as a command of kubectl, beside the rest of the run, so that a transcript holds it.
class ShownReads {
 public:
  /// Starts the command, unless it was started before or there is no session. Whoever calls this
  /// awaits end() before this goes.
  boost::asio::awaitable<void> begin(Kubectl kubectl, Query query);
  /// Returns when every command has ended, and ends commands that take more than a few seconds.
  boost::asio::awaitable<void> end();

 private:
  std::map<std::string, Background> tasks_;
};

}  // namespace retrust
