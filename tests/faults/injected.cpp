#include "injected.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace retrust::faults {
namespace {

using Clock = std::chrono::steady_clock;
using hostile::Ended;

/// Of which argument a path shows: a descriptor's, or the text's own.
enum class Names { nothing, descriptor, text, text_at };

struct Watched {
  const char* name;
  Names names;
};

const std::map<std::uint64_t, Watched>& watched() {
  static const std::map<std::uint64_t, Watched> all{
      {SYS_write, {"write", Names::descriptor}},
      {SYS_writev, {"writev", Names::descriptor}},
      {SYS_read, {"read", Names::descriptor}},
      {SYS_openat, {"openat", Names::text_at}},
      {SYS_newfstatat, {"newfstatat", Names::text_at}},
      {SYS_fstatfs, {"fstatfs", Names::descriptor}},
      {SYS_fsync, {"fsync", Names::descriptor}},
      {SYS_fdatasync, {"fdatasync", Names::descriptor}},
      {SYS_ftruncate, {"ftruncate", Names::descriptor}},
      {SYS_fallocate, {"fallocate", Names::descriptor}},
      {SYS_fchmod, {"fchmod", Names::descriptor}},
      {SYS_getdents64, {"getdents64", Names::descriptor}},
      {SYS_linkat, {"linkat", Names::text_at}},
      {SYS_renameat, {"renameat", Names::text_at}},
      {SYS_renameat2, {"renameat2", Names::text_at}},
      {SYS_rename, {"rename", Names::text}},
      {SYS_mkdir, {"mkdir", Names::text}},
      {SYS_mkdirat, {"mkdirat", Names::text_at}},
      {SYS_unlink, {"unlink", Names::text}},
      {SYS_unlinkat, {"unlinkat", Names::text_at}},
      {SYS_rmdir, {"rmdir", Names::text}},
      {SYS_readlink, {"readlink", Names::text}},
      {SYS_getcwd, {"getcwd", Names::nothing}},
      {SYS_socket, {"socket", Names::nothing}},
      {SYS_connect, {"connect", Names::nothing}},
      {SYS_sendto, {"sendto", Names::nothing}},
      {SYS_sendmsg, {"sendmsg", Names::nothing}},
      {SYS_recvfrom, {"recvfrom", Names::nothing}},
      {SYS_recvmsg, {"recvmsg", Names::nothing}},
      {SYS_getsockopt, {"getsockopt", Names::nothing}},
      {SYS_ioctl, {"ioctl", Names::descriptor}},
      {SYS_epoll_create1, {"epoll_create1", Names::nothing}},
      {SYS_epoll_ctl, {"epoll_ctl", Names::nothing}},
      {SYS_epoll_wait, {"epoll_wait", Names::nothing}},
      {SYS_eventfd2, {"eventfd2", Names::nothing}},
      {SYS_timerfd_create, {"timerfd_create", Names::nothing}},
      {SYS_memfd_create, {"memfd_create", Names::nothing}},
      {SYS_pipe2, {"pipe2", Names::nothing}},
      {SYS_pidfd_open, {"pidfd_open", Names::nothing}},
      {SYS_clone, {"clone", Names::nothing}},
      {SYS_clone3, {"clone3", Names::nothing}},
      {SYS_fork, {"fork", Names::nothing}},
      {SYS_vfork, {"vfork", Names::nothing}},
      {SYS_execve, {"execve", Names::text}},
      {SYS_setpgid, {"setpgid", Names::nothing}},
      {SYS_dup2, {"dup2", Names::nothing}},
      {SYS_dup3, {"dup3", Names::nothing}},
      {SYS_fcntl, {"fcntl", Names::descriptor}},
      {SYS_close_range, {"close_range", Names::nothing}},
      {SYS_prctl, {"prctl", Names::nothing}},
      {SYS_prlimit64, {"prlimit64", Names::nothing}},
      {SYS_getrandom, {"getrandom", Names::nothing}},
      {SYS_waitid, {"waitid", Names::nothing}},
      {SYS_mmap, {"mmap", Names::nothing}}};
  return all;
}

[[noreturn]] void become(const e2e::Child::Setup& setup) {
  std::vector<char*> argv;
  for (const auto& word : setup.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto file = [&](const char* end) {
    return ::open((setup.directory / (setup.name + end)).c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                  0600);
  };
  ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  ::dup2(file(".out"), 1);
  ::dup2(file(".err"), 2);
  ::closefrom(3);
  for (const auto& [name, value] : setup.environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  if (::chdir(setup.directory.c_str()) == 0) ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::string text_at(pid_t pid, std::uint64_t address) {
  std::string text;
  constexpr std::size_t most = 512;
  while (text.size() < most) {
    errno = 0;
    const auto word = ::ptrace(PTRACE_PEEKDATA, pid, address + text.size(), nullptr);
    if (errno != 0) break;
    for (unsigned i = 0; i < sizeof word; ++i) {
      const auto each = static_cast<char>(static_cast<std::uint64_t>(word) >> (8 * i));
      if (each == '\0') return text;
      text += each;
    }
  }
  return text;
}

class Tracer {
 public:
  Tracer(pid_t program, const std::optional<Injection>& injection)
      : program_(program), injection_(injection) {
    tracees_[program] = {};
  }

  Course run(std::chrono::seconds limit) {
    auto end = Clock::now() + limit;
    enum class Stage { runs, told, killed } stage = Stage::runs;
    // A child that has been forked goes on without the program.
    while (!tracees_.empty()) {
      int raw = 0;
      const auto pid = ::waitpid(-1, &raw, __WALL);
      if (pid > 0) take(pid, raw);
      if (Clock::now() < end) continue;
      if (over_ || stage == Stage::killed) break;
      course_.ended.pace = Ended::Pace::too_late;
      ::kill(program_, stage == Stage::told ? SIGKILL : SIGTERM);
      stage = stage == Stage::told ? Stage::killed : Stage::told;
      end = Clock::now() + std::chrono::seconds{5};  // to end its children
    }
    return std::move(course_);
  }

 private:
  struct Tracee {
    enum class Stage { starts, runs } stage = Stage::starts;
    unsigned child = 0;
    std::map<std::string, unsigned> counts = {};
    std::optional<int> error = {};  ///< that the call gets which it is in
    enum class After { goes_on, is_killed } after = After::goes_on;
  };

  void take(pid_t pid, int raw) {
    if (WIFEXITED(raw) || WIFSIGNALED(raw)) {
      tracees_.erase(pid);
      if (pid != program_) return;
      course_.ended.status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
      over_ = true;
      return;
    }
    if (!WIFSTOPPED(raw)) return;
    auto& tracee = tracees_[pid];
    const auto event = raw >> 16;
    const auto signal = WSTOPSIG(raw);
    if (tracee.stage == Tracee::Stage::starts) {
      tracee.stage = Tracee::Stage::runs;
      if (pid == program_) {
        ::ptrace(PTRACE_SETOPTIONS, pid, nullptr,
                 PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
      } else if (tracee.child == 0) {
        tracee.child = ++children_;
      }
      go_on(pid, 0);
    } else if (signal == (SIGTRAP | 0x80)) {
      at_call(pid, tracee);
    } else if (event == PTRACE_EVENT_EXEC && pid != program_) {
      tracees_.erase(pid);
      ::ptrace(PTRACE_DETACH, pid, nullptr, 0);
    } else {
      if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
          event == PTRACE_EVENT_CLONE) {
        unsigned long child = 0;
        ::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child);
        tracees_.try_emplace(static_cast<pid_t>(child));
      }
      go_on(pid, event != 0 ? 0 : signal);
    }
  }

  static void go_on(pid_t pid, int signal) {
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, static_cast<long>(signal));
  }

  void at_call(pid_t pid, Tracee& tracee) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      enter(pid, tracee, info);
    } else if (tracee.after == Tracee::After::is_killed) {
      ::kill(program_, SIGKILL);
    } else if (tracee.error) {
      user_regs_struct registers{};
      ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
      registers.rax = static_cast<unsigned long long>(-static_cast<long long>(*tracee.error));
      ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      tracee.error.reset();
    }
    go_on(pid, 0);
  }

  void enter(pid_t pid, Tracee& tracee, const __ptrace_syscall_info& info) {
    const auto* args = info.entry.args;
    if (begins_ == Begins::later) {
      if (info.entry.nr == SYS_prctl && args[0] == PR_SET_DUMPABLE) begins_ = Begins::now;
      return;
    }
    const auto found = watched().find(info.entry.nr);
    if (found == watched().end()) return;
    // Of the commands of fcntl only a duplicate can lack a descriptor: fcntl(2).
    if (info.entry.nr == SYS_fcntl && args[1] != F_DUPFD && args[1] != F_DUPFD_CLOEXEC) return;
    const auto& [name, names] = found->second;
    Point point{.call = name, .nth = ++tracee.counts[name], .child = tracee.child};
    std::error_code unknown;
    if (names == Names::descriptor) {
      point.object = std::filesystem::read_symlink(
                         "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(args[0]), unknown)
                         .string();
    } else if (names != Names::nothing) {
      point.object = text_at(pid, args[names == Names::text ? 0 : 1]);
    }
    course_.points.push_back(point);
    if (!injection_ || injection_->at.call != point.call || injection_->at.nth != point.nth ||
        injection_->at.child != point.child) {
      return;
    }
    course_.reached = Course::Reached::yes;
    course_.object = point.object;
    if (injection_->what == Injection::What::kill_before) {
      ::kill(program_, SIGKILL);
    } else if (injection_->what == Injection::What::kill_after) {
      tracee.after = Tracee::After::is_killed;
    } else {
      user_regs_struct registers{};
      ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
      registers.orig_rax = static_cast<unsigned long long>(-1);
      ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      tracee.error = injection_->error;
    }
  }

  pid_t program_;
  const std::optional<Injection>& injection_;
  std::map<pid_t, Tracee> tracees_;
  unsigned children_ = 0;
  Course course_;
  enum class Begins { later, now } begins_ = Begins::later;
  bool over_ = false;
};

/// Interrupts a wait now and then, so that its limit is looked at.
class Ticks {
 public:
  Ticks() {
    struct sigaction act {};
    act.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &act, &before_);
    set(100'000);
  }
  ~Ticks() {
    set(0);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;

 private:
  static void set(suseconds_t microseconds) {
    const itimerval every{{0, microseconds}, {0, microseconds}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  struct sigaction before_ {};
};

}  // namespace

Course run_injected(const e2e::Child::Setup& setup, const std::optional<Injection>& injection,
                    std::chrono::seconds limit) {
  const auto pid = ::fork();
  if (pid == 0) become(setup);
  if (pid < 0) throw std::runtime_error("no process for the program");
  const Ticks ticks;
  return Tracer(pid, injection).run(limit);
}

}  // namespace retrust::faults
