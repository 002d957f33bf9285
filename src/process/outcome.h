#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace retrust {

/// How a child came to its end.
enum class Ending {
  exited,          ///< by itself; `Outcome::code` is its exit status
  signalled,       ///< by a signal that we did not send; `code` is the signal
  stopped,         ///< by us, because the reader of its output had what it wanted
  timed_out,       ///< by us, at its deadline
  output_limit,    ///< by us, because it printed too much
  interrupted,     ///< by us, because Runner::interrupt was called; `code` is that signal
  not_found,       ///< never started: no such program
  not_executable,  ///< never started: there, but cannot be run; `err` says why
  no_resources,    ///< never started: no descriptor, process or memory is left for a child; `code`
                   ///< is errno, `err` says why
};

/// Result of a child.
struct Outcome {
  Ending ending = Ending::exited;
  int code = 0;
  /// Standard output, whole, where no reader was given.
  std::string out = {};
  /// Bytes of it that were printed, where no reader was given.
  std::size_t out_size = 0;
  /// Standard error; beyond 64 KiB only its beginning, without the word that is cut off.
  std::string err = {};
  std::chrono::milliseconds wall{0};
  /// Process id of the child, 0 where none was started.
  int pid = 0;

  bool succeeded() const { return ending == Ending::exited && code == 0; }
};

/// Answer of a reader of output: how to go on.
enum class Flow {
  go_on,
  stop,      ///< it has seen enough
  too_much,  ///< it cannot hold more: ends the child as output_limit does
};

/// Called with standard output as it comes, in pieces of any size.
using OutputReader = std::function<Flow(std::string_view)>;

}  // namespace retrust
