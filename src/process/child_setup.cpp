#include "process/child_setup.h"

#include <cerrno>
#include <fcntl.h>
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

}  // namespace

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::optional<Descriptor> open_child(int pid) {
  // The header of glibc 2.36 declares pidfd_open as if it were C++.
  Descriptor child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (child.get() >= 0) return child;
  // A container's filter may answer EPERM where it does not know the call.
  if (errno == ENOSYS || errno == EPERM) return std::nullopt;
  fail("pidfd_open");
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

ChildEnvironment::ChildEnvironment(const std::map<std::string, std::string>& additions) {
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

}  // namespace retrust
