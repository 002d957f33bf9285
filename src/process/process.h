#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
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

#include "process/outcome.h"
#include "process/shortage.h"

namespace retrust {

/// Whether a command is still started once interrupt() was called.
enum class Purpose {
  ordinary,
  cleanup,  ///< of what an earlier one left behind: goes on, and is ended by the second interrupt()
};

/// Treatment of output beyond the limit.
enum class Excess {
  ends_child,
  is_dropped,  ///< the child goes on: it may be changing something
};

/// Fate of a child when this process is killed and cannot end the child itself.
enum class OnParentDeath {
  goes_on,     ///< it may be changing something
  ends_child,  ///< it only reads
};

/// The claim of a child on the processors.
enum class Pace {
  ordinary,
  yielding,  ///< nobody waits for it yet: it runs where others leave a processor idle
};

/// The time from the start to the end of a child; nothing means as long as it takes.
using TimeLimit = std::optional<std::chrono::milliseconds>;

/// The terminal during a child.
enum class Terminal {
  kept,
  lent,  ///< the child reads it, writes its errors to it, and gets Ctrl-C instead of this process
};

/// A program to start, and its limits.
struct Command {
  /// A path, or a bare name that is looked up on PATH.
  std::string program;
  std::vector<std::string> args;
  /// Text for standard input, which is then closed. If empty, standard input is /dev/null.
  std::string input = {};
  /// The child reads this descriptor as its standard input instead. It stays the caller's.
  std::optional<int> input_descriptor = {};
  /// Added to our own environment, or replacing what is there.
  std::map<std::string, std::string> environment = {};
  TimeLimit deadline = std::chrono::seconds{60};
  /// Time of a child between SIGTERM and SIGKILL.
  std::chrono::milliseconds grace{std::chrono::seconds{2}};
  /// Bytes of standard output that are kept, and what becomes of a child that prints more.
  std::size_t output_limit = std::size_t{40} << 20U;
  Excess excess = Excess::ends_child;
  Purpose purpose = Purpose::ordinary;
  OnParentDeath on_parent_death = OnParentDeath::goes_on;
  Pace pace = Pace::ordinary;
  /// A lent terminal replaces `input`, and `Outcome::err` stays empty. See can_lend_terminal().
  Terminal terminal = Terminal::kept;
  /// Bytes that any one file which the child writes may have. No limit by default.
  std::optional<std::uint64_t> largest_file = {};
  /// Bytes of memory that the child may use. No limit by default.
  std::optional<std::uint64_t> most_memory = {};
  /// Called 10 times a second while the child runs, to look at what the child does. An exception
  /// ends the child.
  std::function<void()> watch = {};
};

/// Starts children and waits for them. Each child leads a process group of its own, inherits no
/// descriptor but its three standard ones, and default signal dispositions; what ends it ends its
/// whole group. Single-threaded: everything happens on the executor given.
class Runner {
 public:
  /// `open_files` is the soft limit of open files of each child; ours where there is none.
  explicit Runner(boost::asio::any_io_executor executor,
                  std::optional<std::uint64_t> open_files = {});
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Runs one command to its end. Never throws for what the child does: see Ending.
  /// With a reader, `Outcome::out` stays empty and output_limit does not count.
  /// What the reader or the watch throws comes out when the child has ended. A run that is
  /// cancelled, or destroyed, ends its child.
  boost::asio::awaitable<Outcome> run(Command command, OutputReader reader = {});

  /// Sets what becomes of children that cannot be started; without it they fail at once. It must
  /// outlive this.
  void on_shortage(Shortage& shortage);

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
