// What a child may do, and what becomes of it when this process is killed.
#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/descriptor.h"
#include "children.h"
#include "process/dumps.h"
#include "process/executable.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::shell;

/// Runs something in a child of its own; its status as waitpid gives it.
template <typename Act>
int in_fork(Act act) {
  const auto pid = ::fork();
  if (pid == 0) {
    act();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

void allow_cores() {
  rlimit now{};
  ::getrlimit(RLIMIT_CORE, &now);
  now.rlim_cur = now.rlim_max;
  ::setrlimit(RLIMIT_CORE, &now);
}

TEST_CASE("a child that nobody waits for leaves the processors to others") {
  auto ordinary = shell("nice");
  auto yielding = ordinary;
  yielding.pace = Pace::yielding;
  const auto of_others = std::stoi(test::run(std::move(ordinary)).out);
  CHECK(of_others == ::getpriority(PRIO_PROCESS, 0));
  const auto most = 19;
  CHECK(std::stoi(test::run(std::move(yielding)).out) == std::min(of_others + 10, most));
}

TEST_CASE("no child dumps core, even where this process may") {
  rlimit before{};
  ::getrlimit(RLIMIT_CORE, &before);
  allow_cores();
  const auto outcome = test::run(shell("ulimit -S -c; ulimit -H -c"));
  rlimit restored = before;
  ::setrlimit(RLIMIT_CORE, &restored);
  CHECK(outcome.out == "0\n0\n");
}

TEST_CASE("this process leaves no core either") {
  const Folder folder;
  fs::create_directory(folder.path("cores"));
  const auto status = in_fork([&] {
    if (::chdir(folder.path("cores").c_str()) != 0) ::_exit(1);
    allow_cores();
    forbid_dumps();
    std::signal(SIGABRT, SIG_DFL);
    ::raise(SIGABRT);
  });
  CHECK(WIFSIGNALED(status));
  CHECK_FALSE(WCOREDUMP(status));
  CHECK(fs::is_empty(folder.path("cores")));
  CHECK(WEXITSTATUS(in_fork([] {
          forbid_dumps();
          ::_exit(::prctl(PR_GET_DUMPABLE));
        })) == 0);
}

TEST_CASE("a file that a child writes ends at its limit") {
  const Folder folder;
  auto command = shell("exec head -c 3000000 /dev/zero >'" + folder.path("file") + "'");
  command.largest_file = 1U << 20U;
  const auto outcome = test::run(std::move(command));
  CHECK_FALSE(outcome.succeeded());
  CHECK(fs::file_size(folder.path("file")) == 1U << 20U);
}

TEST_CASE("a child reads a descriptor of ours as its input") {
  const Folder folder;
  const auto path = folder.file("given", "given\n", fs::perms::owner_read);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto command = shell("cat; ls /proc/$$/fd");
  command.input_descriptor = file.get();
  const auto outcome = test::run(std::move(command));
  CHECK(outcome.out.starts_with("given\n0\n1\n2\n"));
  CHECK(::fcntl(file.get(), F_GETFD) >= 0);
}

/// Runs the command in a process that is then killed; true once the command has ended, too.
bool ends_with_parent(OnParentDeath on_parent_death) {
  const Folder folder;
  const test::Fifo fifo(folder.path("held"));
  const auto pid_file = folder.path("pid");
  auto command = shell("exec 3>'" + fifo.path() + "'; echo $$ >'" + pid_file + ".new'; mv '" +
                       pid_file + ".new' '" + pid_file + "'; exec sleep 1000");
  command.on_parent_death = on_parent_death;
  const auto parent = ::fork();
  if (parent == 0) {
    test::run(std::move(command));
    ::_exit(0);
  }
  while (!fs::exists(pid_file)) ::usleep(10000);
  const auto child = std::stoi(test::run(shell("cat '" + pid_file + "'")).out);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  if (on_parent_death == OnParentDeath::goes_on) {
    const auto there = ::kill(child, 0) == 0;
    ::kill(child, SIGKILL);
    fifo.read_to_end();
    return !there;
  }
  fifo.read_to_end();  // throws if the child stays
  return true;
}

TEST_CASE("a child that only reads ends with this process, however that ends") {
  CHECK(ends_with_parent(OnParentDeath::ends_child));
}

TEST_CASE("a child that may be changing something goes on") {
  CHECK_FALSE(ends_with_parent(OnParentDeath::goes_on));
}

/// PATH for as long as this lives.
class SearchPath {
 public:
  explicit SearchPath(const std::string& path) : before_(search_path()) {
    ::setenv("PATH", path.c_str(), 1);
  }
  ~SearchPath() { ::setenv("PATH", before_.c_str(), 1); }
  SearchPath(const SearchPath&) = delete;
  SearchPath& operator=(const SearchPath&) = delete;

 private:
  std::string before_;
};

TEST_CASE("a program is known by its absolute path") {
  const Folder folder;
  const auto executable = fs::perms::owner_all;
  const auto there = folder.file("there", "#!/bin/sh\n", executable);
  folder.file("plain", "", fs::perms::owner_read);
  fs::create_directory(folder.path("folder"));
  const SearchPath path("/nonexistent:" + folder.path("") + ":/bin");
  CHECK(absolute_program("there") == there);
  CHECK(absolute_program("sh") == "/bin/sh");
  for (const std::string name : {"", "plain", "folder", "missing"}) {
    CAPTURE(name);
    CHECK(absolute_program(name) == name);
  }
  CHECK(absolute_program("/any/where") == "/any/where");
  CHECK(absolute_program("./here") == (fs::current_path() / "here").string());
  CHECK(absolute_program("some/where") == (fs::current_path() / "some/where").string());
}

TEST_CASE("relative entries of PATH") {
  CHECK_FALSE(relative_entry("/usr/bin:/bin"));
  CHECK_FALSE(relative_entry(""));
  CHECK(relative_entry("/bin:.") == ".");
  CHECK(relative_entry("/bin:") == "");
  CHECK(relative_entry(":/bin") == "");
  CHECK(relative_entry("/bin::/usr/bin") == "");
  CHECK(relative_entry("/bin:bin:x") == "bin");
  CHECK(without_relative_entries(":/bin:.:/usr/bin:x:") == "/bin:/usr/bin");
}

}  // namespace
}  // namespace retrust
