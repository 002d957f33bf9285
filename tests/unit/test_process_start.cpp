#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "children.h"
#include "process/process.h"

namespace retrust {
namespace {

using test::childless;
using test::Folder;
using test::run;
using test::shell;
using Perms = std::filesystem::perms;

Command program(std::string path, std::vector<std::string> args = {}) {
  Command command;
  command.program = std::move(path);
  command.args = std::move(args);
  return command;
}

/// Descriptors that a careless library left open to children, some with high numbers.
class Careless {
 public:
  Careless() {
    for (auto& descriptor : opened_) descriptor = ::open("/dev/null", O_RDONLY);
    ::dup2(opened_.front(), high_);
  }
  ~Careless() {
    for (const auto descriptor : opened_) ::close(descriptor);
    ::close(high_);
  }
  Careless(const Careless&) = delete;
  Careless& operator=(const Careless&) = delete;

 private:
  static constexpr int high_ = 200;
  std::array<int, 5> opened_{};
};

/// Takes standard input and standard error away for a while.
class WithoutStandard {
 public:
  WithoutStandard()
      : input_(::fcntl(0, F_DUPFD_CLOEXEC, 50)), errors_(::fcntl(2, F_DUPFD_CLOEXEC, 50)) {
    ::close(0);
    ::close(2);
  }
  ~WithoutStandard() {
    ::dup2(input_, 0);
    ::dup2(errors_, 2);
    ::close(input_);
    ::close(errors_);
  }
  WithoutStandard(const WithoutStandard&) = delete;
  WithoutStandard& operator=(const WithoutStandard&) = delete;

 private:
  int input_;
  int errors_;
};

TEST_CASE("an exit status is told, and which signal killed") {
  struct Case {
    const char* script;
    Ending ending;
    int code;
  };
  const Case cases[] = {{"exit 0", Ending::exited, 0},
                        {"exit 1", Ending::exited, 1},
                        {"exit 9", Ending::exited, 9},
                        {"exit 255", Ending::exited, 255},
                        {"kill -9 $$", Ending::signalled, SIGKILL},
                        {"kill -TERM $$", Ending::signalled, SIGTERM},
                        {"kill -PIPE $$", Ending::signalled, SIGPIPE}};
  for (const auto& expected : cases) {
    CAPTURE(expected.script);
    const auto outcome = run(shell(expected.script));
    CHECK(outcome.ending == expected.ending);
    CHECK(outcome.code == expected.code);
    CHECK(outcome.succeeded() == (expected.ending == Ending::exited && expected.code == 0));
    CHECK(outcome.pid > 0);
    CHECK(childless());
  }
}

TEST_CASE("a bare name is looked up on PATH") {
  CHECK(run(program("true")).succeeded());
  const auto outcome = run(program("echo", {"two words", "", "$HOME"}));
  CHECK(outcome.out == "two words  $HOME\n");
}

TEST_CASE("what cannot be started says why") {
  const Folder folder;
  const auto all = Perms::owner_all;
  const auto plain = Perms::owner_read | Perms::owner_write;
  const auto missing = folder.path("missing");
  const auto under_file = folder.file("file", "", plain) + "/program";
  struct Case {
    std::string program;
    Ending ending;
    std::string reason;
  };
  const Case cases[] = {
      {"retrust-no-such-program", Ending::not_found, "no such program on PATH"},
      {"", Ending::not_found, "no such program on PATH"},
      {missing, Ending::not_found, "no such program"},
      {under_file, Ending::not_found, "no such program"},
      {folder.file("text", "#!/bin/sh\n", plain), Ending::not_executable, "is not executable"},
      {folder.path(""), Ending::not_executable, "is a directory"},
      {folder.file("script", "#!/nowhere/sh\n", all), Ending::not_executable,
       "its interpreter is not there"},
      {folder.file("junk",
                   "\x7F"
                   "junk",
                   all),
       Ending::not_executable, "Exec format error"},
  };
  for (const auto& expected : cases) {
    CAPTURE(expected.program);
    auto command = program(expected.program);
    command.input = "for nobody";
    const auto outcome = run(command);
    CHECK(outcome.ending == expected.ending);
    CHECK(outcome.err == expected.program + ": " + expected.reason);
    CHECK(outcome.pid == 0);
    CHECK_FALSE(outcome.succeeded());
    CHECK(childless());
  }
}

TEST_CASE("too long a list of arguments is no crash") {
  const auto outcome = run(program("/bin/true", {std::string(std::size_t{1} << 20U, 'x')}));
  CHECK(outcome.ending == Ending::not_executable);
  CHECK(outcome.err == "/bin/true: Argument list too long");
  CHECK(childless());
}

TEST_CASE("both outputs are read at once") {
  const auto outcome = run(
      shell("{ yes word | head -c 3000000 | tr '\\n' ' ' >&2; } & head -c 3000000 /dev/zero | tr "
            "'\\0' o; wait"));
  CHECK(outcome.succeeded());
  CHECK((outcome.out == std::string(3'000'000, 'o')));
  // Of errors the beginning, without the word that is cut off.
  CHECK(outcome.err.size() <= 65536);
  CHECK(outcome.err.size() > 65500);
  CHECK(outcome.err.ends_with("word "));
}

TEST_CASE("output beyond the limit ends the child") {
  SUBCASE("50 MB") {
    auto command = shell("head -c 50000000 /dev/zero");
    command.output_limit = 1'000'000;
    const auto outcome = run(command);
    CHECK(outcome.ending == Ending::output_limit);
    CHECK(outcome.out.size() == 1'000'000);
  }
  SUBCASE("without an end") {
    auto command = program("yes");
    command.output_limit = 6;
    const auto outcome = run(command);
    CHECK(outcome.ending == Ending::output_limit);
    CHECK(outcome.out == "y\ny\ny\n");
  }
  SUBCASE("of a child that ends before anybody looks") {
    auto command = shell("printf 12345");
    command.output_limit = 4;
    const auto outcome = run(command);
    CHECK(outcome.ending == Ending::output_limit);
    CHECK(outcome.out == "1234");
  }
  SUBCASE("and just the limit is none") {
    auto command = shell("printf 1234");
    command.output_limit = 4;
    CHECK(run(command).succeeded());
  }
  CHECK(childless());
}

TEST_CASE("a reader gets the output as it comes, without a limit") {
  auto command = shell("echo one; echo two; head -c 100000 /dev/zero");
  command.output_limit = 1;
  std::string read;
  const auto outcome = run(command, [&](std::string_view piece) {
    read += piece;
    return Flow::go_on;
  });
  CHECK(outcome.succeeded());
  CHECK(outcome.out.empty());
  CHECK((read == "one\ntwo\n" + std::string(100'000, '\0')));
}

TEST_CASE("standard input") {
  std::string megabyte;
  for (int i = 0; megabyte.size() < 1'000'000; ++i) megabyte += fmt::format("line {}\n", i);
  SUBCASE("reaches the child whole") {
    auto command = program("cat");
    command.input = megabyte;
    const auto outcome = run(command);
    CHECK(outcome.succeeded());
    CHECK((outcome.out == megabyte));
  }
  SUBCASE("may be opened by its name, which a socket could not") {
    auto command = program("cat", {"/dev/stdin"});
    command.input = "by name";
    CHECK(run(command).out == "by name");
  }
  SUBCASE("may go unread by a child that ends") {
    auto command = shell("exit 3");
    command.input = megabyte;
    CHECK(run(command).code == 3);
  }
  SUBCASE("may be closed by a child that goes on") {
    auto command = shell("head -c 10; exec <&-; echo; echo on");
    command.input = megabyte;
    const auto outcome = run(command);
    CHECK(outcome.succeeded());
    CHECK(outcome.out == "line 0\nlin\non\n");
  }
  SUBCASE("is /dev/null where there is none to give") {
    CHECK(run(shell("readlink /proc/self/fd/0; cat")).out == "/dev/null\n");
  }
  CHECK(childless());
}

TEST_CASE("the environment is ours with what is added") {
  ::setenv("RETRUST_TEST_KEPT", "kept", 1);
  ::setenv("RETRUST_TEST_CHANGED", "before", 1);
  auto command = program("env");
  command.environment = {{"RETRUST_TEST_ADDED", "a=b c"}, {"RETRUST_TEST_CHANGED", "after"}};
  const auto lines = "\n" + run(command).out;
  ::unsetenv("RETRUST_TEST_KEPT");
  ::unsetenv("RETRUST_TEST_CHANGED");
  CHECK(lines.find("\nRETRUST_TEST_KEPT=kept\n") != std::string::npos);
  CHECK(lines.find("\nRETRUST_TEST_ADDED=a=b c\n") != std::string::npos);
  CHECK(lines.find("\nRETRUST_TEST_CHANGED=after\n") != std::string::npos);
  CHECK(lines.find("\nRETRUST_TEST_CHANGED=before\n") == std::string::npos);
  CHECK(lines.find("\nPATH=") != std::string::npos);
}

TEST_CASE("a child inherits its three standard descriptors alone") {
  const Careless careless;
  // The fourth is the folder that ls itself is reading.
  auto command = program("ls", {"/proc/self/fd"});
  SUBCASE("without input") {}
  SUBCASE("with input") {
    command.input = "something";
  }
  CHECK(run(command).out == "0\n1\n2\n3\n");
  for (const auto& outcome : test::run_all(std::vector(8, command))) {
    CHECK(outcome.out == "0\n1\n2\n3\n");
  }
}

TEST_CASE("children work where we have no standard descriptors") {
  auto command = shell("cat; echo errors >&2");
  command.input = "input";
  Outcome outcome;
  {
    const WithoutStandard without;
    outcome = run(command);
  }
  CHECK(outcome.succeeded());
  CHECK(outcome.out == "input");
  CHECK(outcome.err == "errors\n");
}

TEST_CASE("a child has default signals, and none held back") {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  auto* const handler = std::signal(SIGHUP, SIG_IGN);
  const auto outcome = run(program("grep", {"-E", "^Sig(Blk|Ign)", "/proc/self/status"}));
  std::signal(SIGHUP, handler);
  sigset_t after;
  ::sigprocmask(SIG_SETMASK, &before, &after);
  CHECK(outcome.out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK(::sigismember(&after, SIGUSR1) == 1);
  CHECK(::sigismember(&after, SIGINT) == 0);
}

TEST_CASE("a child leads a process group of its own") {
  const auto outcome = run(program("cut", {"-d", " ", "-f", "5", "/proc/self/stat"}));
  CHECK(outcome.out == fmt::format("{}\n", outcome.pid));
}

TEST_CASE("many run side by side") {
  std::vector<Command> commands;
  for (int i = 0; i < 60; ++i) {
    commands.push_back(shell(fmt::format("cat; exit {}", i)));
    commands.back().input = fmt::format("child {}", i);
  }
  const auto outcomes = test::run_all(std::move(commands));
  for (int i = 0; i < 60; ++i) {
    CAPTURE(i);
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    CHECK(outcome.ending == Ending::exited);
    CHECK(outcome.code == i);
    CHECK(outcome.out == fmt::format("child {}", i));
  }
  CHECK(childless());
}

}  // namespace
}  // namespace retrust
