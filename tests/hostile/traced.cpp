#include "traced.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace retrust::hostile {
namespace {

using Clock = std::chrono::steady_clock;

long peak_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

[[noreturn]] void become(const e2e::Child::Setup& setup) {
  std::vector<char*> argv;
  for (const auto& word : setup.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto file = [&](const char* end) {
    return ::open((setup.directory / (setup.name + end)).c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                  0600);
  };
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(file(".out"), 1);
  ::dup2(file(".err"), 2);
  for (const auto& [name, value] : setup.environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  if (::chdir(setup.directory.c_str()) == 0) ::execvp(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

Ended run_traced(const e2e::Child::Setup& setup, std::chrono::seconds limit) {
  const auto pid = ::fork();
  if (pid == 0) become(setup);
  Ended ended;
  auto end = Clock::now() + limit;
  enum class Stage { starts, runs, told, killed } stage = Stage::starts;
  for (;;) {
    int raw = 0;
    if (::waitpid(pid, &raw, WNOHANG | __WALL) != pid) {
      if (Clock::now() > end && stage != Stage::killed) {
        ended.pace = Ended::Pace::too_late;
        ::kill(pid, stage == Stage::told ? SIGKILL : SIGTERM);
        stage = stage == Stage::told ? Stage::killed : Stage::told;
        end = Clock::now() + std::chrono::seconds{5};  // to end its children
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
      continue;
    }
    if (WIFEXITED(raw) || WIFSIGNALED(raw)) {
      ended.status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
      return ended;
    }
    auto signal = static_cast<long>(WSTOPSIG(raw));
    if (stage == Stage::starts) {
      ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
      stage = Stage::runs;
      signal = 0;
    } else if (raw >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8))) {
      ended.peak_kib = peak_kib(pid);
      signal = 0;
    } else if (signal == SIGTRAP || signal == SIGSTOP) {
      signal = 0;
    }
    ::ptrace(PTRACE_CONT, pid, nullptr, signal);
  }
}

}  // namespace retrust::hostile
