#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace retrust {

/// Whether a command is still started once interrupt() was called.
enum class Purpose {
  ordinary,
  cleanup,  ///< of what an earlier one left behind: is started, and ended by the next interrupt()
};

/// Output that is more than is kept.
enum class Excess {
  ends_child,
  is_dropped,  ///< the child goes on: it may be changing something
};

/// What to start, and the limits it has.
struct Command {
  /// A path, or a bare name that is looked up on PATH.
  std::string program;
  std::vector<std::string> args;
  /// Given on standard input, which is then closed; where empty, standard input is /dev/null.
  std::string input = {};
  /// Added to our own environment, or replacing what is there.
  std::map<std::string, std::string> environment = {};
  /// From the start to the end of the child; zero means no deadline.
  std::chrono::milliseconds deadline{std::chrono::seconds{60}};
  /// What a child has between SIGTERM and SIGKILL.
  std::chrono::milliseconds grace{std::chrono::seconds{2}};
  /// Bytes of standard output that are kept, and what becomes of a child that prints more.
  std::size_t output_limit = std::size_t{40} << 20U;
  Excess excess = Excess::ends_child;
  Purpose purpose = Purpose::ordinary;
};

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
};

/// What a child left behind.
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

/// What a reader of output wants next.
enum class Flow {
  go_on,
  stop,      ///< it has seen enough
  too_much,  ///< it cannot hold more: ends the child as output_limit does
};

/// Called with standard output as it comes, in pieces of any size.
using OutputReader = std::function<Flow(std::string_view)>;

/// Starts children and waits for them. Each child leads a process group of its own, inherits no
/// descriptor but its three standard ones, and default signal dispositions; what ends it ends its
/// whole group. Single-threaded: everything happens on the executor given.
class Runner {
 public:
  explicit Runner(boost::asio::any_io_executor executor);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Runs one command to its end. Never throws for what the child does: see Ending.
  /// With a reader, `Outcome::out` stays empty and output_limit does not count.
  /// What the reader throws comes out when the child has ended. A run that is cancelled, or
  /// destroyed, ends its child.
  boost::asio::awaitable<Outcome> run(Command command, OutputReader reader = {});

  /// Passes the signal on to every running child; one that is still there after its grace is
  /// killed. A second call kills at once. From then on run() starts nothing but what cleans up, and
  /// says `interrupted`.
  void interrupt(int signal);

  /// The signal that was given to interrupt, if any.
  std::optional<int> interrupted() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace retrust
