#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include "process/process.h"
#include "process/tasks.h"

using namespace std::chrono_literals;

namespace retrust {
namespace {

namespace fs = std::filesystem;

/// Runs commands on an executor of its own.
class Fixture {
 public:
  Outcome run(Command command, OutputReader reader = {}) {
    Outcome outcome;
    std::exception_ptr failure;
    boost::asio::co_spawn(io, runner.run(std::move(command), std::move(reader)),
                          [&](std::exception_ptr error, Outcome result) {
                            failure = error;
                            outcome = std::move(result);
                          });
    io.restart();
    io.run();
    if (failure) std::rethrow_exception(failure);
    return outcome;
  }

  boost::asio::io_context io;
  Runner runner{io.get_executor()};
};

Command shell(const std::string& script) {
  Command command;
  command.program = "/bin/sh";
  command.args = {"-c", script};
  return command;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    auto pattern = (fs::temp_directory_path() / "retrust-unit-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TemporaryDirectory() { fs::remove_all(path); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  fs::path path;
};

/// Whether a process is there: neither gone nor a zombie.
bool alive(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const auto end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z';
}

void wait_until_gone(int pid) {
  for (int i = 0; i < 6000 && alive(pid); ++i) ::usleep(10'000);
  CHECK_FALSE(alive(pid));
}

TEST_CASE("output and exit status") {
  Fixture fixture;
  const auto outcome = fixture.run(shell("echo out; echo err >&2; exit 3"));
  CHECK(outcome.ending == Ending::exited);
  CHECK(outcome.code == 3);
  CHECK(outcome.out == "out\n");
  CHECK(outcome.err == "err\n");
  CHECK_FALSE(outcome.succeeded());
  CHECK(fixture.run(shell("true")).succeeded());
}

TEST_CASE("three megabytes on both outputs at once") {
  Fixture fixture;
  const auto outcome = fixture.run(shell(
      "yes word | head -c 3000000 | tr '\\n' ' ' >&2 & head -c 3000000 /dev/zero | tr '\\0' o; "
      "wait"));
  CHECK(outcome.succeeded());
  CHECK(outcome.out == std::string(3'000'000, 'o'));
  // Of errors only the beginning is kept, and no part of a word.
  CHECK(outcome.err.size() <= std::size_t{64} << 10U);
  CHECK(outcome.err.ends_with("word "));
}

TEST_CASE("a child that prints without end is ended at the limit") {
  Fixture fixture;
  auto command = shell("exec yes");
  command.output_limit = 1'000'000;
  const auto outcome = fixture.run(std::move(command));
  CHECK(outcome.ending == Ending::output_limit);
  CHECK(outcome.out.size() <= 1'000'000);
}

TEST_CASE("standard input from memory") {
  Fixture fixture;
  SUBCASE("a megabyte there and back") {
    Command command;
    command.program = "cat";
    command.input = std::string(1 << 20U, 'i');
    CHECK(fixture.run(command).out == command.input);
  }
  SUBCASE("a child that does not read it") {
    auto command = shell("exec true");
    command.input = std::string(1 << 20U, 'i');
    CHECK(fixture.run(std::move(command)).succeeded());
  }
  SUBCASE("none is the end at once") {
    CHECK(fixture.run(shell("cat")).out.empty());
  }
}

TEST_CASE("a deadline ends the whole group") {
  Fixture fixture;
  TemporaryDirectory directory;
  auto command = shell("sleep 1000 & echo $! > " + (directory.path / "pid").string() +
                       "; trap '' TERM; wait; sleep 1000");
  command.deadline = 300ms;
  SUBCASE("by SIGTERM") {
    command.args[1] = "sleep 1000 & echo $! > " + (directory.path / "pid").string() + "; wait";
  }
  SUBCASE("by SIGKILL where that is ignored") {
    command.grace = 100ms;
  }
  const auto outcome = fixture.run(std::move(command));
  CHECK(outcome.ending == Ending::timed_out);
  int grandchild = 0;
  std::ifstream(directory.path / "pid") >> grandchild;
  REQUIRE(grandchild > 0);
  wait_until_gone(grandchild);
  wait_until_gone(outcome.pid);
}

TEST_CASE("killed by a signal that is not ours") {
  Fixture fixture;
  const auto outcome = fixture.run(shell("kill -KILL $$"));
  CHECK(outcome.ending == Ending::signalled);
  CHECK(outcome.code == SIGKILL);
  // Exit status 9 is something else.
  CHECK(fixture.run(shell("exit 9")).ending == Ending::exited);
}

TEST_CASE("what cannot be started") {
  Fixture fixture;
  TemporaryDirectory directory;
  const auto file = [&](const std::string& name, const std::string& content, fs::perms mode) {
    const auto path = directory.path / name;
    std::ofstream(path) << content;
    fs::permissions(path, mode);
    return path.string();
  };
  struct Case {
    std::string program;
    Ending ending;
  };
  const std::vector<Case> cases{
      {"no-such-program-anywhere", Ending::not_found},
      {(directory.path / "nothing").string(), Ending::not_found},
      {directory.path.string(), Ending::not_executable},
      {file("plain", "#!/bin/sh\n", fs::perms::owner_read), Ending::not_executable},
      {file("orphan", "#!/no/such/interpreter\n", fs::perms::owner_all), Ending::not_executable},
  };
  for (const auto& each : cases) {
    CAPTURE(each.program);
    Command command;
    command.program = each.program;
    const auto outcome = fixture.run(std::move(command));
    CHECK(outcome.ending == each.ending);
    CHECK_FALSE(outcome.err.empty());
  }
}

TEST_CASE("a child inherits nothing but its three descriptors") {
  // Without close-on-exec, as a careless library opens them.
  const int leaky = ::open("/dev/null", O_RDONLY);
  Fixture fixture;
  const auto outcome = fixture.run(shell("ls /proc/self/fd"));
  ::close(leaky);
  // The fourth is the directory that ls reads.
  CHECK(outcome.out == "0\n1\n2\n3\n");
}

TEST_CASE("a child has default signal dispositions and leads its own group") {
  Fixture fixture;  // ignores SIGPIPE itself
  const auto outcome =
      fixture.run(shell("grep SigIgn /proc/self/status | cut -f2; ps -o pgid= -p $$; echo $$"));
  CHECK(outcome.out.starts_with("0000000000000000\n"));
  const auto group = std::stoi(outcome.out.substr(17));
  CHECK(group == outcome.pid);
}

TEST_CASE("the environment is ours with additions") {
  Fixture fixture;
  ::setenv("RETRUST_UNIT_KEPT", "kept", 1);
  ::setenv("RETRUST_UNIT_CHANGED", "before", 1);
  auto command = shell("echo $RETRUST_UNIT_KEPT $RETRUST_UNIT_CHANGED $RETRUST_UNIT_ADDED");
  command.environment = {{"RETRUST_UNIT_CHANGED", "after"}, {"RETRUST_UNIT_ADDED", "added"}};
  CHECK(fixture.run(std::move(command)).out == "kept after added\n");
}

TEST_CASE("a reader gets output as it comes, and can stop the child") {
  Fixture fixture;
  std::string seen;
  const auto outcome = fixture.run(shell("echo one; exec sleep 1000"), [&](std::string_view piece) {
    seen += piece;
    return seen == "one\n" ? Flow::stop : Flow::go_on;
  });
  CHECK(outcome.ending == Ending::stopped);
  CHECK(seen == "one\n");
  CHECK(outcome.out.empty());
  wait_until_gone(outcome.pid);
}

TEST_CASE("what a reader throws comes out, and the child is ended") {
  Fixture fixture;
  CHECK_THROWS_WITH(fixture.run(shell("echo x; exec sleep 1000"),
                                [](std::string_view) -> Flow {
                                  throw std::runtime_error("not what was expected");
                                }),
                    "not what was expected");
}

TEST_CASE("a grandchild that keeps the pipes open does not hold us up") {
  Fixture fixture;
  const auto outcome = fixture.run(shell("echo done; sleep 1000 & echo $!"));
  CHECK(outcome.succeeded());
  REQUIRE(outcome.out.starts_with("done\n"));
  // It was not ours to end.
  const auto grandchild = std::stoi(outcome.out.substr(5));
  CHECK(alive(grandchild));
  ::kill(grandchild, SIGKILL);
}

TEST_CASE("an interrupt is passed on, and nothing is started after it") {
  Fixture fixture;
  const auto interrupting = [&](std::string_view) {
    fixture.runner.interrupt(SIGINT);
    return Flow::go_on;
  };
  SUBCASE("a child that ends by it") {
    const auto outcome = fixture.run(shell("echo ready; exec sleep 1000"), interrupting);
    CHECK(outcome.ending == Ending::interrupted);
    CHECK(outcome.code == SIGINT);
  }
  SUBCASE("a child that ignores it is killed after its grace") {
    auto command = shell("trap '' INT; echo ready; while :; do sleep 1; done");
    command.grace = 100ms;
    CHECK(fixture.run(std::move(command), interrupting).ending == Ending::interrupted);
  }
  SUBCASE("a second one kills at once") {
    auto command = shell("trap '' INT; echo ready; while :; do sleep 1; done");
    command.grace = std::chrono::hours{1};
    const auto outcome = fixture.run(std::move(command), [&](std::string_view) {
      fixture.runner.interrupt(SIGINT);
      fixture.runner.interrupt(SIGINT);
      return Flow::go_on;
    });
    CHECK(outcome.ending == Ending::interrupted);
  }
  const auto after = fixture.run(shell("echo started"));
  CHECK(after.ending == Ending::interrupted);
  CHECK(after.out.empty());
  CHECK(fixture.runner.interrupted() == SIGINT);
}

TEST_CASE("many children side by side") {
  Fixture fixture;
  std::vector<std::string> outputs(20);
  const auto one = [&](std::size_t number) -> boost::asio::awaitable<void> {
    auto command = shell("echo " + std::to_string(number));
    const auto outcome = co_await fixture.runner.run(std::move(command));
    outputs[number] = outcome.out;
  };
  std::vector<boost::asio::awaitable<void>> tasks;
  for (std::size_t i = 0; i < outputs.size(); ++i) tasks.push_back(one(i));
  boost::asio::co_spawn(fixture.io, wait_all(std::move(tasks)),
                        [](std::exception_ptr error) { CHECK_FALSE(error); });
  fixture.io.run();
  for (std::size_t i = 0; i < outputs.size(); ++i) CHECK(outputs[i] == std::to_string(i) + "\n");
}

TEST_CASE("a task in the background ends by itself in its time, or is ended") {
  boost::asio::io_context io;
  Background quick;
  Background endless;
  auto by_itself = false;
  const std::chrono::milliseconds soon(1);
  const std::chrono::milliseconds late = std::chrono::hours(1);
  const auto step = [&]() -> boost::asio::awaitable<void> {
    co_await pause(soon);
    by_itself = true;
  };
  const auto both = [&]() -> boost::asio::awaitable<void> {
    auto first = step();
    co_await quick.start(std::move(first));
    auto second = pause(late);
    co_await endless.start(std::move(second));
    co_await quick.end_after(late);
    co_await endless.end_after(soon);
  };
  boost::asio::co_spawn(io, both(), boost::asio::detached);
  io.run();
  CHECK(by_itself);
  CHECK_FALSE(quick.running());
  CHECK_FALSE(endless.running());
}

TEST_CASE("wait_all throws the first failure when all have ended") {
  boost::asio::io_context io;
  auto ended = 0;
  const auto task = [&](const char* failure) -> boost::asio::awaitable<void> {
    ++ended;
    if (failure != nullptr) throw std::runtime_error(failure);
    co_return;
  };
  std::vector<boost::asio::awaitable<void>> tasks;
  tasks.push_back(task(nullptr));
  tasks.push_back(task("first"));
  tasks.push_back(task("second"));
  std::string thrown;
  boost::asio::co_spawn(io, wait_all(std::move(tasks)), [&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& failure) {
      thrown = failure.what();
    }
  });
  io.run();
  CHECK(thrown == "first");
  CHECK(ended == 3);
}

TEST_CASE("when_all: a failure ends what the others wait for") {
  Fixture fixture;
  const auto endless = [&]() -> boost::asio::awaitable<void> {
    auto command = shell("exec sleep 1000");
    co_await fixture.runner.run(std::move(command));
  };
  const auto failing = []() -> boost::asio::awaitable<void> {
    throw std::runtime_error("no");
    co_return;
  };
  std::vector<boost::asio::awaitable<void>> tasks;
  tasks.push_back(endless());
  tasks.push_back(failing());
  std::string thrown;
  boost::asio::co_spawn(fixture.io, when_all(std::move(tasks)), [&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& failure) {
      thrown = failure.what();
    }
  });
  fixture.io.run();
  CHECK(thrown == "no");
}

TEST_CASE("a group that is cancelled ends each of its tasks first") {
  Fixture fixture;
  auto group_ended = false;
  auto outlived = 0;
  const auto endless = [&]() -> boost::asio::awaitable<void> {
    const std::shared_ptr<void> at_end(nullptr, [&](void*) { outlived += group_ended ? 1 : 0; });
    auto command = shell("exec sleep 1000");
    co_await fixture.runner.run(std::move(command));
  };
  const auto failing = []() -> boost::asio::awaitable<void> {
    throw std::runtime_error("no");
    co_return;
  };
  std::vector<boost::asio::awaitable<void>> inner;
  inner.push_back(endless());
  inner.push_back(endless());
  std::vector<boost::asio::awaitable<void>> tasks;
  tasks.push_back(wait_all(std::move(inner)));
  tasks.push_back(failing());
  boost::asio::co_spawn(fixture.io, when_all(std::move(tasks)), [&](std::exception_ptr error) {
    CHECK(error);
    group_ended = true;
  });
  fixture.io.run();
  CHECK(group_ended);
  CHECK(outlived == 0);
}

TEST_CASE("a group of no tasks ends at once") {
  boost::asio::io_context io;
  auto ended = 0;
  const auto end = [&](const std::exception_ptr& error) {
    CHECK_FALSE(error);
    ++ended;
  };
  boost::asio::co_spawn(io, wait_all({}), end);
  boost::asio::co_spawn(io, when_all({}), end);
  io.run();
  CHECK(ended == 2);
}

}  // namespace
}  // namespace retrust
