// Children on a kernel that refuses a system call: one that is older, or a container's filter.
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>

#include "base/failure.h"
#include "children.h"
#include "refused_calls.h"

namespace retrust {
namespace {

using test::refuse;
using test::shell;

/// What is known in every process of a test.
struct Seen {
  std::atomic<int> came_back{0};  ///< processes in which the call of retrust's returned
  Ending ending = Ending::exited;
  int code = -1;
  std::array<char, 256> out{};
};

/// Calls this in a process where the calls fail.
class Apart {
 public:
  Apart(const std::vector<long>& calls, unsigned error, const std::function<Outcome()>& act) {
    auto* memory =
        ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    seen_ = new (memory) Seen;
    const auto process = ::fork();
    if (process == 0) {
      refuse(calls, error);
      Outcome outcome;
      try {
        outcome = act();
      } catch (...) {
        outcome.code = -2;
      }
      if (++seen_->came_back == 1) {
        seen_->ending = outcome.ending;
        seen_->code = outcome.code;
        (outcome.out + outcome.err).copy(seen_->out.data(), seen_->out.size() - 1);
      }
      ::_exit(EXIT_SUCCESS);
    }
    ::waitpid(process, nullptr, 0);
  }
  ~Apart() { ::munmap(seen_, sizeof(Seen)); }
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

  const Seen* operator->() const { return seen_; }
  std::string out() const { return seen_->out.data(); }

 private:
  Seen* seen_;
};

#ifdef SYS_dup2
constexpr long dup2_call = SYS_dup2;
#else
constexpr long dup2_call = SYS_dup3;
#endif

TEST_CASE("a start that fails makes no second retrust") {
  const std::vector<std::vector<long>> needed{
      {SYS_setpgid}, {dup2_call}, {SYS_prlimit64}, {SYS_execve}};
  for (const auto& calls : needed) {
    CAPTURE(calls.front());
    for (const auto error : {EPERM, ENOMEM}) {
      const Apart apart(calls, static_cast<unsigned>(error), [] { return test::run(shell("")); });
      CHECK(apart->came_back == 1);
      CHECK(apart->ending == (error == EPERM ? Ending::not_executable : Ending::no_resources));
      CHECK(apart.out().find("/bin/sh: ") != std::string::npos);
    }
  }
}

TEST_CASE("nor does one that cannot even be told of") {
  const Apart apart({SYS_execve, SYS_write}, EPERM, [] { return test::run(shell("")); });
  CHECK(apart->came_back == 1);
  CHECK(apart->ending == Ending::exited);
  CHECK(apart->code == 127);
}

TEST_CASE("a shortage of the system is told apart from a program that cannot be run") {
  for (const auto error : {EMFILE, ENFILE, EAGAIN, ENOMEM, ENOSPC}) {
    CAPTURE(error);
    const Apart apart({SYS_clone}, static_cast<unsigned>(error),
                      [] { return test::run(shell("")); });
    CHECK(apart->ending == Ending::no_resources);
    CHECK(apart->code == error);
  }
}

TEST_CASE("a child that only reads is not started where it cannot be bound to this process") {
  auto command = shell("exit 3");
  command.on_parent_death = OnParentDeath::ends_child;
  const Apart apart({SYS_prctl}, EPERM, [&] { return test::run(command); });
  CHECK(apart->came_back == 1);
  CHECK(apart->ending == Ending::not_executable);
}

TEST_CASE("older kernels mark no range of descriptors") {
  const Apart apart({SYS_close_range}, ENOSYS,
                    [] { return test::run(shell("ls /proc/$$/fd; exit 3")); });
  CHECK(apart->came_back == 1);
  CHECK(apart->code == 3);
  CHECK(apart.out() == "0\n1\n2\n");
}

TEST_CASE("Linux before 5.3 tells of a child's end by a signal alone") {
  for (const auto error : {ENOSYS, EPERM}) {
    CAPTURE(error);
    const std::vector<long> calls{SYS_pidfd_open};
    const auto refusal = static_cast<unsigned>(error);
    SUBCASE("at once") {
      const Apart apart(calls, refusal, [] { return test::run(shell("echo said; exit 3")); });
      CHECK(apart->came_back == 1);
      CHECK(apart->ending == Ending::exited);
      CHECK(apart->code == 3);
      CHECK(apart.out() == "said\n");
    }
    SUBCASE("later, and killed") {
      const Apart apart(calls, refusal, [] {
        auto command = shell("read -r _; kill -9 $$");
        command.input = "go on\n";
        return test::run(std::move(command));
      });
      CHECK(apart->ending == Ending::signalled);
      CHECK(apart->code == SIGKILL);
    }
    SUBCASE("many side by side") {
      const Apart apart(calls, refusal, [] {
        std::vector<Command> commands(20, shell("read -r _; exit 4"));
        for (auto& command : commands) command.input = "line\n";
        auto outcomes = test::run_all(std::move(commands));
        for (auto& outcome : outcomes) {
          if (outcome.code != 4) return outcome;
        }
        return outcomes.back();
      });
      CHECK(apart->came_back == 1);
      CHECK(apart->code == 4);
    }
    SUBCASE("at a deadline") {
      const Apart apart(calls, refusal, [] {
        auto command = shell("echo begun; exec sleep 1000");
        return test::run_past_deadline(std::move(command), "begun");
      });
      CHECK(apart->ending == Ending::timed_out);
    }
  }
}

TEST_CASE("the reason of a failure names no source file") {
  constexpr boost::source_location where("basic_stream.ipp", 120, "assign", 5);
  const boost::system::error_code code(EBADF, boost::system::system_category(), &where);
  const boost::system::system_error error(code, "assign");
  CHECK(std::string(error.what()).find(".ipp") != std::string::npos);
  CHECK(reason_of(error) == "Bad file descriptor");
  CHECK(reason_of(std::runtime_error("another")) == "another");
}

}  // namespace
}  // namespace retrust
