// A machine that lacks something for retrust: room, a process, a descriptor, the run folder.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// The leak sanitizer does not work in a traced process: strace starts with detect_leaks=0.

/// A kubectl that runs these words of a shell before each call whose arguments match the pattern.
std::string kubectl_that(const Sandbox& sandbox, const std::string& pattern,
                         const std::string& words) {
  const auto path = sandbox.directory() / "kubectl-that";
  write_file(path, "#!/bin/sh\ncase \" $* \" in " + pattern + ")\n" + words +
                       "\n;; esac\nexec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

const std::vector<std::string> run_yes{"run", "--yes", "--no-rancher-backup", "--timeout", "30s"};

TEST_CASE("a run whose folder goes away makes no further change, and points to no folder") {
  Sandbox sandbox;
  const auto folders = sandbox.directory().string() + "/run-*";
  std::string words;
  std::string told;
  SUBCASE("deleted") {
    words = "rm -rf " + folders;
    told = "was deleted, and with it what retrust saved";
  }
  SUBCASE("moved") {
    words = "mv " + folders + " " + (sandbox.directory() / "moved").string() + " 2>/dev/null";
    told = "was moved";
  }
  SUBCASE("the backup alone") {
    words = "rm -rf " + folders + "/backup";
    told = "/backup was deleted";
  }
  const auto run =
      sandbox.retrust({.args = run_yes, .kubectl = kubectl_that(sandbox, "*' delete '*", words)});
  CAPTURE(run.all());
  CHECK(run.status == 1);
  CHECK(has(run.err, told));
  CHECK(count(run.out, "Exit status ") == 1);
  CHECK_FALSE(has(run.out, "Transcript: "));
  CHECK_FALSE(has(run.out, "retrust rollback"));
  CHECK(sandbox.changes().size() == 1);
  CHECK(sandbox.run().status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("a run whose last words reach no disk does not say that all is well") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto log = sandbox.directory() / "strace.log";
  const auto traced = [&](const std::string& options) {
    return fmt::format(
        "export ASAN_OPTIONS=detect_leaks=0; exec strace -o {} -e trace=fdatasync {} \"$@\"",
        log.string(), options);
  };
  CHECK(sandbox.retrust({.args = run_yes, .shell = traced("")}).status == 0);
  const auto calls = count(read_file(log), "fdatasync(");
  REQUIRE(calls > 2);
  // The last of transcript.md, and that of transcript.jsonl after it.
  for (const auto failing : {calls, calls - 1, calls - 2}) {
    CAPTURE(failing);
    const auto run = sandbox.retrust(
        {.args = run_yes,
         .shell = traced(fmt::format("-e inject=fdatasync:error=EIO:when={}+", failing))});
    CAPTURE(run.all());
    CHECK(run.status == 1);
    CHECK(count(run.out, "Exit status ") == 1);
    CHECK(has(run.out, "Done, but not recorded."));
    CHECK(has(run.out, "Exit status 1"));
    CHECK(count(run.err, "retrust: ") == 1);
    CHECK(has(run.err, "Input/output error"));
    CHECK_FALSE(has(transcripts(sandbox.run_folder()), "Exit status 0"));
  }
}

/// Children of retrust that went on as a second retrust, by what strace -f saw: its event loop
/// belongs to retrust alone.
std::vector<std::string> second_retrusts(const std::string& log) {
  std::set<std::string> started;
  std::vector<std::string> found;
  std::string first;
  for (const auto& line : lines_of(log)) {
    const auto pid = line.substr(0, line.find(' '));
    if (first.empty()) first = pid;
    if (has(line, "execve(") && has(line, " = 0")) started.insert(pid);
    if (pid != first && !started.contains(pid) && has(line, "epoll_wait(")) found.push_back(line);
  }
  return found;
}

TEST_CASE("whichever system call fails between fork and exec, no second retrust goes on") {
  Sandbox sandbox;
  const auto log = sandbox.directory() / "strace.log";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"clone,clone3,fork,vfork", "EAGAIN"},
      {"clone,clone3,fork,vfork", "ENOMEM"},
      {"pipe2", "EMFILE"},
      {"setpgid", "EPERM"},
      {"dup2,dup3", "EBADF"},
      {"close_range", "ENOSYS"},
      {"rt_sigprocmask", "EINVAL"},
      {"prlimit64,setrlimit", "EPERM"},
      {"prctl", "EINVAL"},
      {"pidfd_open", "EMFILE"}};
  for (const auto& [calls, error] : cases) {
    CAPTURE(calls);
    CAPTURE(error);
    const auto before = sandbox.changes().size();
    const auto run = sandbox.retrust(
        {.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "5s", "--command-timeout",
                  "5s", "--no-session"},
         .shell = fmt::format("export ASAN_OPTIONS=detect_leaks=0; exec strace -f --seccomp-bpf "
                              "-o {} -e trace=execve,epoll_wait,{} -e "
                              "inject={}:error={} \"$@\"",
                              log.string(), calls, calls, error)});
    CAPTURE(run.all());
    // The sanitizer asks for the limit before the program begins.
    if (has(run.err, "AddressSanitizer getrlimit() failed")) continue;
    CHECK(second_retrusts(read_file(log)).empty());
    // 2: a kubectl that cannot be run.
    const std::set<int> documented{0, 1, 2, 4, 5, 6};
    CHECK(documented.contains(run.status));
    if (run.status != 0 && run.status != 1) CHECK(sandbox.changes().size() == before);
    // Without any pipe there is no run.
    CHECK(count(run.out, "Exit status ") == (calls == "pipe2" ? 0 : 1));
    CHECK((run.status == 0) == (count(run.err, "retrust: ") == 0));
  }
}

TEST_CASE("a program that cannot be executed leaves no second retrust either") {
  Sandbox sandbox;
  const auto log = sandbox.directory() / "strace.log";
  for (const std::string error : {"ENOMEM", "EAGAIN", "ENOENT", "EACCES", "E2BIG"}) {
    CAPTURE(error);
    const auto run = sandbox.retrust(
        {.args = {"run", "--yes", "--no-rancher-backup", "--no-session"},
         .shell = fmt::format("export ASAN_OPTIONS=detect_leaks=0; exec strace -f -o {} -e "
                              "trace=execve,epoll_wait -e inject=execve:error={} \"$@\"",
                              log.string(), error)});
    CAPTURE(run.all());
    CHECK(second_retrusts(read_file(log)).empty());
    const auto shortage = error == "ENOMEM" || error == "EAGAIN";
    CHECK(run.status == (shortage ? 1 : 2));
    CHECK(count(run.err, "retrust: ") == 1);
    CHECK(sandbox.changes().empty());
    CHECK(has(run.err, "no resources for another process on this machine") == shortage);
    CHECK(has(run.err, "--kubectl") != shortage);
  }
}

TEST_CASE("no process is left after the first change: retrust waits for one") {
  auto waited = 0;
  auto refused = 0;
  const auto log = std::string("-e trace=clone -e inject=clone:error=EAGAIN:when=");
  for (const auto first : {1, 4, 9, 12, 14, 16, 18}) {
    CAPTURE(first);
    Sandbox sandbox;
    // 3 starts fail, which takes less than a second.
    const auto run = sandbox.retrust(
        {.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "30s", "--no-session"},
         .shell = fmt::format(
             "export ASAN_OPTIONS=detect_leaks=0; exec strace -o /dev/null {}{}..{} \"$@\"", log,
             first, first + 2)});
    CAPTURE(run.all());
    if (run.status == 0) {
      if (has(run.out, "for another process on this machine")) ++waited;
      continue;
    }
    ++refused;
    CHECK((run.status == 1 || run.status == 4));
    CHECK(has(run.err, "no resources for another process on this machine"));
    CHECK(has(run.err, "ulimit -u"));
    CHECK(sandbox.changes().empty());
  }
  CHECK(waited > 0);
  CHECK(refused > 0);
}

TEST_CASE("no process is left for longer than --timeout after the first change") {
  Sandbox sandbox;
  const auto marker = sandbox.directory() / "deleted";
  const auto kubectl = kubectl_that(sandbox, "*' delete '*", "touch '" + marker.string() + "'");
  // From the first deletion on every start fails.
  const auto child =
      sandbox.start({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "5s"},
                     .kubectl = kubectl,
                     .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}},
                     .shell = fmt::format("\"$@\" & until [ -e {} ]; do sleep 0.01; done; "
                                          "strace -o /dev/null -p $! -e trace=clone -e "
                                          "inject=clone:error=EAGAIN; wait $!",
                                          marker.string())});
  const auto status = child->wait();
  CAPTURE(child->out());
  CAPTURE(child->err());
  // The wait for an effect of the step may end first.
  CHECK((status == 1 || status == 5));
  CHECK(has(child->err(), "no resources for another process on this machine"));
  CHECK(count(child->out(), "Exit status ") == 1);
  CHECK_FALSE(sandbox.changes().empty());
  CHECK(sandbox.run().status == 0);
}

TEST_CASE("a TMPDIR that cannot be used stops nothing") {
  for (const std::string place : {"", "/nonexistent", "/proc", "/dev/null"}) {
    CAPTURE(place);
    Sandbox sandbox;
    const auto run = sandbox.retrust({.args = run_yes, .environment = {{"TMPDIR", place}}});
    CAPTURE(run.all());
    CHECK(run.status == 0);
  }
}

TEST_CASE(
    "where a process or a descriptor is missing before the first change, nothing is changed") {
  Sandbox sandbox;
  // Enough for the sessions, and not for the changes.
  const auto run = sandbox.retrust({.args = run_yes, .shell = "ulimit -n 64; exec \"$@\""});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "no resources for the changes on this machine"));
  CHECK(has(run.err, "ulimit -n"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a kernel that keeps no files in memory is known before the first change") {
  Sandbox sandbox;
  const auto run = sandbox.retrust(
      {.args = run_yes,
       .shell = "export ASAN_OPTIONS=detect_leaks=0; exec strace -f -o /dev/null "
                "-e trace=memfd_create -e inject=memfd_create:error=ENOSYS \"$@\""});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "cannot keep a temporary kubeconfig in memory: Function not implemented"));
  CHECK(has(run.err, "Linux 3.17"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("the soft limit of open files stops nothing where the hard limit is high") {
  Sandbox sandbox;
  const auto run = sandbox.retrust({.args = run_yes, .shell = "ulimit -S -n 24; exec \"$@\""});
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

}  // namespace
}  // namespace retrust::e2e
