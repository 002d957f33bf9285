#include "process/start_child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace retrust {
namespace {

constexpr int first_inherited = STDERR_FILENO + 1;
/// As a shell ends where it cannot execute a program; nobody sees it.
constexpr int not_executed = 127;
/// What nice(1) adds by default.
constexpr int yielding_increment = 10;

/// Everything that the child needs, made before the fork.
struct Start {
  const char* file;
  char* const* args;
  char* const* environment;
  const ChildTerms& terms;
  pid_t parent;
  int report;  ///< takes errno where the program could not be started
};

/// Kernels before 5.11 cannot mark a range. Some systems allow a billion descriptors, which would
/// take minutes; nobody hands so many on.
void mark_each_close_on_exec() noexcept {
  constexpr long most = 65536;
  const auto end = static_cast<int>(std::min(::sysconf(_SC_OPEN_MAX), most));
  for (int descriptor = first_inherited; descriptor < end; ++descriptor) {
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
}

/// Lowers a limit, also what the child may raise it to.
bool limit(decltype(RLIMIT_CORE) resource, std::uint64_t most) noexcept {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return false;
  const auto value = std::min<rlim_t>(most, now.rlim_max);
  const rlimit wanted{value, value};
  return ::setrlimit(resource, &wanted) == 0;
}

/// Sets a soft limit, which the child may raise.
bool limit_softly(decltype(RLIMIT_CORE) resource, std::uint64_t most) noexcept {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return false;
  now.rlim_cur = std::min<rlim_t>(most, now.rlim_max);
  return ::setrlimit(resource, &now) == 0;
}

bool set_up(const Start& start) noexcept {
  const auto& terms = start.terms;
  if (::setpgid(0, 0) != 0) return false;
  // SIGTTOU is held back with the others.
  if (terms.terminal == Terminal::lent) ::tcsetpgrp(STDIN_FILENO, ::getpid());
  for (int number = 0; number < first_inherited; ++number) {
    if (::dup2(terms.standard[static_cast<std::size_t>(number)], number) < 0) return false;
  }
  // Marked and not closed: the report goes through one of them.
  if (::close_range(first_inherited, ~0U, CLOSE_RANGE_CLOEXEC) != 0) mark_each_close_on_exec();
  // Ignored signals stay ignored over exec; nohup ignores SIGHUP.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return false;
  // One byte: with 0 a core goes to a pipe of core_pattern all the same (core(5)).
  if (!limit(RLIMIT_CORE, 1)) return false;
  if (terms.most_memory && !limit(RLIMIT_AS, *terms.most_memory)) return false;
  if (terms.largest_file && !limit(RLIMIT_FSIZE, *terms.largest_file)) return false;
  if (terms.open_files && !limit_softly(RLIMIT_NOFILE, *terms.open_files)) return false;
  if (terms.pace == Pace::yielding) static_cast<void>(::nice(yielding_increment));
  if (terms.on_parent_death == OnParentDeath::ends_child) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
    // The parent may have ended before the kernel knew that the child wants to be told.
    if (::getppid() != start.parent) ::_exit(not_executed);
  }
  return true;
}

[[noreturn]] void become(const Start& start) noexcept {
  if (set_up(start)) ::execve(start.file, start.args, start.environment);
  const int failed = errno;
  // Without the report the parent takes the end of the pipe for a start: then the status tells.
  while (::write(start.report, &failed, sizeof failed) < 0 && errno == EINTR) {
  }
  ::_exit(not_executed);
}

/// What the child reported; 0 where the pipe ended because the program began.
int reported(int descriptor) {
  int failed = 0;
  ssize_t size = 0;
  do {
    size = ::read(descriptor, &failed, sizeof failed);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return errno;
  return size == sizeof failed ? failed : 0;
}

}  // namespace

pid_t start_child(const std::string& file, const std::vector<std::string>& args,
                  const ChildEnvironment& environment, const ChildTerms& terms) {
  // exec changes none of them; its type is older than const.
  std::vector<char*> words;
  words.push_back(const_cast<char*>(file.c_str()));
  for (const auto& arg : args) words.push_back(const_cast<char*>(arg.c_str()));
  words.push_back(nullptr);
  auto report = make_pipe();
  const Start start{file.c_str(), words.data(), const_cast<char* const*>(environment.get()),
                    terms,        ::getpid(),   report.write_end.get()};
  const SignalsHeld held;
  const auto child = ::fork();
  if (child == 0) become(start);
  if (child < 0) throw std::system_error(errno, std::generic_category());
  report.write_end = {};
  if (const auto failed = reported(report.read_end.get()); failed != 0) {
    kill_and_await(child);
    throw std::system_error(failed, std::generic_category());
  }
  return child;
}

}  // namespace retrust
