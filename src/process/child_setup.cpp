#include "process/child_setup.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace retrust {
namespace {

constexpr int first_inherited = STDERR_FILENO + 1;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Kernels before 5.11 cannot mark a range.
void mark_each_close_on_exec() noexcept {
  const auto end = static_cast<int>(::sysconf(_SC_OPEN_MAX));
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

}  // namespace

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Descriptor open_child(int pid) {
  // The header of glibc 2.36 declares pidfd_open as if it were C++.
  Descriptor child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (child.get() < 0) fail("pidfd_open");
  return child;
}

bool has_ended(int pid) {
  siginfo_t about{};
  const auto id = static_cast<id_t>(pid);
  return ::waitid(P_PID, id, &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid != 0;
}

void kill_and_await(int pid) {
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

NullDevice::NullDevice() {
  for (auto& filler : fillers_) {
    Descriptor opened(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (opened.get() < 0) fail("/dev/null");
    if (opened.get() >= first_inherited) {
      device_ = std::move(opened);
      return;
    }
    filler = std::move(opened);
  }
  device_ = Descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (device_.get() < 0) fail("/dev/null");
}

Environment::Environment(const std::map<std::string, std::string>& additions) {
  for (const auto& [name, value] : additions) added_.push_back(fmt::format("{}={}", name, value));
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const auto name = std::string(variable.substr(0, variable.find('=')));
    if (!additions.contains(name)) pointers_.push_back(*entry);
  }
  for (const auto& variable : added_) pointers_.push_back(variable.c_str());
  pointers_.push_back(nullptr);
}

SignalsHeld::SignalsHeld() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsHeld::~SignalsHeld() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

ssize_t write_without_signal(int descriptor, std::string_view bytes) {
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  sigset_t pending;
  ::sigpending(&pending);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const auto size = ::write(descriptor, bytes.data(), bytes.size());
  const auto error = errno;
  if (size < 0 && error == EPIPE && ::sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    ::sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return size;
}

int set_up_child(const ChildTerms& terms) noexcept {
  if (::setpgid(0, 0) != 0) return errno;
  // Ignored signals stay ignored over exec; nohup ignores SIGHUP.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  // Marked and not closed: the launcher still has to tell of a failure through one of them.
  if (::close_range(first_inherited, ~0U, CLOSE_RANGE_CLOEXEC) != 0) mark_each_close_on_exec();
  sigset_t none;
  ::sigemptyset(&none);
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return errno;
  // One byte: with 0 a core goes to a pipe of core_pattern all the same (core(5)).
  if (!limit(RLIMIT_CORE, 1)) return errno;
  if (terms.most_memory && !limit(RLIMIT_AS, *terms.most_memory)) return errno;
  if (terms.largest_file && !limit(RLIMIT_FSIZE, *terms.largest_file)) return errno;
  if (terms.on_parent_death == OnParentDeath::ends_child) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    // The parent may have ended before the kernel knew that the child wants to be told.
    if (::getppid() != terms.parent) ::_exit(EXIT_FAILURE);
  }
  return 0;
}

}  // namespace retrust
