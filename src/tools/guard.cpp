#include "tools/guard.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "base/descriptor.h"
#include "process/child_setup.h"
#include "process/start_child.h"
#include "tools/session.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

/// Time of the command between SIGTERM and SIGKILL: less than the guard itself has.
constexpr std::chrono::milliseconds grace{500};
/// The pause between 2 checks of children that are being ended.
constexpr std::chrono::milliseconds between_looks{10};
constexpr int failed = 127;

/// A copy of a standard descriptor above the first three.
Descriptor copy_of(int number) {
  return Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

/// The signals that a guard waits for.
sigset_t awaited_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const auto signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

/// Forks the guard into a process group of its own. This process stays behind as the child that
/// retrust knows: a second Ctrl-C kills this process, and the guard still does its work. Returns in
/// the guard alone.
void split_off() {
  const auto signals = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const auto known = ::getpid();
  const auto guard = ::fork();
  if (guard < 0) return;
  if (guard == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    // The parent may have ended before prctl took effect.
    if (::getppid() != known) ::raise(SIGTERM);
    return;
  }
  int status = 0;
  while (::waitpid(guard, &status, WNOHANG) == 0) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    if (signal == SIGCHLD) continue;
    ::kill(guard, SIGTERM);
    // A guard that somebody stopped would not receive SIGTERM.
    ::kill(guard, SIGCONT);
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : failed);
}

/// The signals that a guard waits for, readable instead of delivered.
Descriptor held_signals() {
  const auto signals = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

class Guard {
 public:
  Guard(pid_t child, Descriptor signals) : child_(child), signals_(std::move(signals)) {}

  /// Waits until the command ends or is not needed any longer.
  void wait() {
    while (!has_ended(child_)) {
      pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
      // Nothing is ever written to the pipe.
      if (watched[0].revents != 0 || told_to_end()) return;
    }
  }

  /// Ends the process group and processes that left it. Returns the command's exit status.
  int end() {
    // While the command has not been awaited, its group's number is nobody else's.
    ::kill(-child_, SIGTERM);
    const auto last = Clock::now() + grace;
    while (!has_ended(child_) && Clock::now() < last) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(last - Clock::now());
      pollfd watched{signals_.get(), POLLIN, 0};
      ::poll(&watched, 1, static_cast<int>(left.count()) + 1);
      told_to_end();
    }
    ::kill(-child_, SIGKILL);
    return await_all();
  }

 private:
  /// Ends and awaits all remaining children. A process in another group becomes a child of this
  /// process once its wrapper has ended: see PR_SET_CHILD_SUBREAPER in prctl(2). The wait ends
  /// after `grace`, as the guard may lack the right to end a process.
  int await_all() const {
    int status = 0;
    for (const auto last = Clock::now() + grace; Clock::now() < last;) {
      int each = 0;
      const auto ended = ::waitpid(-1, &each, WNOHANG);
      if (ended == child_) status = each;
      if (ended < 0 && errno == ECHILD) break;
      if (ended != 0) continue;
      std::ifstream children("/proc/thread-self/children");
      for (pid_t left = 0; children >> left;) ::kill(left, SIGKILL);
      pollfd watched{signals_.get(), POLLIN, 0};
      ::poll(&watched, 1, static_cast<int>(between_looks.count()));
      told_to_end();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }

  /// Reads pending signals. Returns whether one of them asks the guard to end.
  bool told_to_end() const {
    bool told = false;
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      told = told || signal.ssi_signo != SIGCHLD;
    }
    return told;
  }

  pid_t child_;
  Descriptor signals_;
};

int guard(const std::filesystem::path& folder, const std::string& program,
          const std::vector<std::string>& args) {
  // `pkill retrust` ends retrust, and the guard has its work to do then.
  ::prctl(PR_SET_NAME, "session-guard");
  split_off();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int status = failed;
  try {
    auto signals = held_signals();
    const NullDevice null;
    const auto out = copy_of(STDOUT_FILENO);
    const auto err = copy_of(STDERR_FILENO);
    const ChildEnvironment environment({});
    const ChildTerms terms{.standard = {null.get(), out.get(), err.get()},
                           .on_parent_death = OnParentDeath::ends_child};
    Guard watching(start_child(program, args, environment, terms), std::move(signals));
    watching.wait();
    status = watching.end();
  } catch (const std::system_error&) {
    // It was not started; the folder still goes.
  }
  // By name: a guard that was given a wrong folder must not empty it.
  std::error_code ignored;
  std::filesystem::remove(folder / session_socket, ignored);
  std::filesystem::remove(folder, ignored);
  return status;
}

}  // namespace

Command guarded_command(std::string program, std::vector<std::string> args,
                        const std::filesystem::path& folder, int input) {
  Command command;
  // This path works even if the file of this program was replaced meanwhile.
  command.program = "/proc/self/exe";
  command.args = {guard_word, folder.string(), std::move(program)};
  command.args.insert(command.args.end(), std::make_move_iterator(args.begin()),
                      std::make_move_iterator(args.end()));
  command.input_descriptor = input;
  command.deadline = std::nullopt;
  return command;
}

std::optional<int> run_as_guard(const std::vector<std::string>& args) {
  constexpr std::size_t fixed = 3;
  if (args.size() < fixed || args[0] != guard_word) return std::nullopt;
  return guard(args[1], args[2], {args.begin() + fixed, args.end()});
}

}  // namespace retrust
