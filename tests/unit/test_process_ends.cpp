#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "children.h"
#include "process/child_end.h"
#include "process/child_setup.h"
#include "process/process.h"

namespace retrust {
namespace {

using test::childless;
using test::Fifo;
using test::Folder;
using test::Heard;
using test::shell;

constexpr std::chrono::hours never{1000};

/// A child with a child of its own that holds a fifo; prints "ready" when both are there.
struct Family {
  Folder folder;
  Fifo fifo{folder.path("fifo")};

  /// What the grandchild and the child do with TERM is up to `set_up`, which comes first.
  std::string script(const std::string& set_up, const std::string& rest) const {
    return fmt::format("{}; exec 3>'{}'; sleep 100000 & exec 3>&-; echo ready; {}", set_up,
                       fifo.path(), rest);
  }
  /// Returns when the whole family is gone.
  bool gone() const { return fifo.read_to_end().empty(); }
};

/// Runs one command, and lets the test do something when the child says "ready".
struct Scene {
  boost::asio::io_context io;
  Runner runner{io.get_executor()};
  Heard ready{"ready"};
  std::optional<Outcome> outcome;

  void start(Command command, std::function<Flow()> when_ready) {
    const auto reader = [this, when_ready](std::string_view piece) {
      return ready.in(piece) ? when_ready() : Flow::go_on;
    };
    boost::asio::co_spawn(io, runner.run(std::move(command), reader),
                          [this](std::exception_ptr error, Outcome result) {
                            if (error) std::rethrow_exception(error);
                            outcome = std::move(result);
                          });
  }
  Outcome play(Command command, std::function<Flow()> when_ready) {
    start(std::move(command), std::move(when_ready));
    io.run();
    return outcome.value();
  }
};

/// A child that ends when its input does.
struct Reader {
  Pipe input = make_pipe();
  int pid = ::fork();

  Reader() {
    if (pid != 0) return;
    input.write_end = Descriptor();
    char byte = 0;
    ::_exit(static_cast<int>(::read(input.read_end.get(), &byte, 1)));
  }
  ~Reader() { ::waitpid(pid, nullptr, 0); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

// asio uses the state of a closed descriptor again, with the news that had come for it. Both pipes
// have news at the same moment; whichever is told first closes the other and waits for a child.
TEST_CASE("the end of a child is not told by news of a descriptor that was closed") {
  boost::asio::io_context io;
  Reader reader;
  ChildEnd end(io.get_executor());
  auto told = 0;
  boost::asio::posix::stream_descriptor one(io);
  boost::asio::posix::stream_descriptor other(io);
  const auto pipes = std::array{make_pipe(), make_pipe()};
  one.assign(::dup(pipes[0].read_end.get()));
  other.assign(::dup(pipes[1].read_end.get()));
  const auto await_child_instead_of = [&](auto& closed) {
    return [&](boost::system::error_code cancelled) {
      if (cancelled) return;
      closed.close();
      end.open(reader.pid);
      end.await([&] { ++told; });
    };
  };
  one.async_wait(one.wait_read, await_child_instead_of(other));
  other.async_wait(other.wait_read, await_child_instead_of(one));
  for (const auto& pipe : pipes) REQUIRE(::write(pipe.write_end.get(), "x", 1) == 1);
  while (io.poll() > 0) continue;
  CHECK(told == 0);
  reader.input.write_end = Descriptor();
  while (told == 0) io.run_one();
  CHECK(has_ended(reader.pid));
  end.close();
}

TEST_CASE("a child without any time is ended at once, and not given all the time") {
  auto command = shell("exec sleep 1000");
  command.deadline = std::chrono::milliseconds{0};
  CHECK(test::run(std::move(command)).ending == Ending::timed_out);
}

TEST_CASE("a deadline ends the child and its own children") {
  const Family family;
  SUBCASE("that heed TERM") {
    auto command = shell(family.script(":", "sleep 100000"));
    command.grace = never;
    const auto outcome = test::run_past_deadline(command, "ready");
    CHECK(outcome.ending == Ending::timed_out);
    CHECK(outcome.code == 0);
  }
  SUBCASE("that ignore TERM") {
    auto command = shell(family.script("trap '' TERM", "sleep 100000"));
    command.grace = std::chrono::milliseconds(50);
    CHECK(test::run_past_deadline(command, "ready").ending == Ending::timed_out);
  }
  SUBCASE("where only the grandchild ignores TERM") {
    auto command =
        shell(family.script("trap '' TERM", "exec env --default-signal=TERM sleep 100000"));
    command.grace = never;
    CHECK(test::run_past_deadline(command, "ready").ending == Ending::timed_out);
  }
  SUBCASE("and last words are kept") {
    auto command = shell(
        family.script("trap 'echo farewell >&2; exit 7' TERM", "while :; do sleep 0.01; done"));
    command.grace = never;
    const auto outcome = test::run_past_deadline(command, "ready");
    CHECK(outcome.ending == Ending::timed_out);
    CHECK(outcome.err.find("farewell\n") != std::string::npos);
  }
  CHECK(family.gone());
  CHECK(childless());
}

TEST_CASE("a watch that throws ends the child, and then comes out") {
  const Family family;
  Command command;
  SUBCASE("which heeds TERM") {
    command = shell(family.script(":", "exec sleep 100000"));
    command.grace = never;
  }
  SUBCASE("which ignores TERM") {
    command = shell(family.script("trap '' TERM", "exec sleep 100000"));
    command.grace = std::chrono::milliseconds(50);
  }
  auto ready = false;
  auto calls = 0;
  command.watch = [&] {
    if (ready && ++calls == 2) throw std::out_of_range("seen");
  };
  Scene scene;
  const auto play = [&] {
    scene.play(command, [&] {
      ready = true;
      return Flow::go_on;
    });
  };
  CHECK_THROWS_AS(play(), std::out_of_range);
  CHECK(calls == 2);
  CHECK(family.gone());
  CHECK(childless());
}

TEST_CASE("a watch lets a child come to its end") {
  const Folder folder;
  const auto seen = folder.path("seen");
  auto command = shell("until [ -e '" + seen + "' ]; do sleep 0.01; done; exit 7");
  int looks = 0;
  command.watch = [&] {
    ++looks;
    std::ofstream(seen).put('x');
  };
  const auto outcome = test::run(command);
  CHECK(outcome.ending == Ending::exited);
  CHECK(outcome.code == 7);
  CHECK(looks >= 1);
}

TEST_CASE("a watch that is due when the child ends is not called after that") {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  auto command = shell("exit 0");
  int looks = 0;
  command.watch = [&] { ++looks; };
  auto ended = false;
  int looks_at_the_end = 0;
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        co_await runner.run(command);
        looks_at_the_end = looks;
        ended = true;
      },
      boost::asio::detached);
  io.poll();
  // Both come to be due while this thread is busy: the end of the child, and a look.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  io.run_for(std::chrono::milliseconds(500));
  CHECK(ended);
  CHECK(looks == looks_at_the_end);
}

TEST_CASE("a reader that has enough ends the child") {
  const Family family;
  Command command;
  SUBCASE("which heeds TERM") {
    command = shell(family.script(":", "exec sleep 100000"));
    command.grace = never;
  }
  SUBCASE("which ignores TERM") {
    command = shell(family.script("trap '' TERM", "exec sleep 100000"));
    command.grace = std::chrono::milliseconds(50);
  }
  SUBCASE("which never stops printing") {
    command = shell(family.script(":", "exec yes"));
    command.grace = never;
  }
  int calls_after = -1;
  Scene scene;
  const auto outcome = scene.play(command, [&] {
    ++calls_after;
    return Flow::stop;
  });
  CHECK(outcome.ending == Ending::stopped);
  CHECK(outcome.out.empty());
  CHECK(calls_after == 0);
  CHECK(family.gone());
  CHECK(childless());
}

/// Waits until the child whose number was printed has ended, without awaiting it for good.
void watch_it_end(std::string_view number) {
  siginfo_t about{};
  const auto id = static_cast<id_t>(std::atoi(std::string(number).c_str()));
  CHECK(::waitid(P_PID, id, &about, WEXITED | WNOWAIT) == 0);
}

TEST_CASE("a reader that has enough is told so even if the child ended meanwhile") {
  const auto outcome = test::run(shell("echo $$; exit 1"), [](std::string_view number) {
    watch_it_end(number);
    return Flow::stop;
  });
  CHECK(outcome.ending == Ending::stopped);
  CHECK(childless());
}

TEST_CASE("what a reader throws comes out of run, after the end of the child") {
  SUBCASE("which would not have ended") {
    const Family family;
    auto command = shell(family.script(":", "sleep 100000"));
    command.grace = never;
    Scene scene;
    CHECK_THROWS_WITH_AS(scene.play(command, []() -> Flow { throw std::domain_error("not JSON"); }),
                         "not JSON", std::domain_error);
    CHECK(childless());
    CHECK(family.gone());
  }
  SUBCASE("which has ended already") {
    int calls = 0;
    const auto reader = [&](std::string_view piece) -> Flow {
      if (++calls == 1) watch_it_end(piece);
      throw std::domain_error("not JSON");
    };
    CHECK_THROWS_WITH_AS(test::run(shell("echo $$; echo more; exit 1"), reader), "not JSON",
                         std::domain_error);
    CHECK(calls == 1);
    CHECK(childless());
  }
}

TEST_CASE("an interrupt is passed on") {
  const Family family;
  Scene scene;
  Outcome outcome;
  SUBCASE("as the signal that it is") {
    const auto proof = family.folder.path("proof");
    auto command = shell(family.script(fmt::format("trap 'echo >{}; exit 0' INT", proof),
                                       "while :; do sleep 0.01; done"));
    command.grace = never;
    outcome = scene.play(command, [&] {
      scene.runner.interrupt(SIGINT);
      return Flow::go_on;
    });
    CHECK(std::filesystem::exists(proof));
  }
  SUBCASE("and kills after the grace") {
    auto command = shell(family.script("trap '' INT", "sleep 100000"));
    command.grace = std::chrono::milliseconds(50);
    outcome = scene.play(command, [&] {
      scene.runner.interrupt(SIGINT);
      return Flow::go_on;
    });
  }
  SUBCASE("and kills at once the second time") {
    auto command = shell(family.script("trap '' INT", "sleep 100000"));
    command.grace = never;
    outcome = scene.play(command, [&] {
      scene.runner.interrupt(SIGINT);
      scene.runner.interrupt(SIGTERM);
      return Flow::go_on;
    });
  }
  CHECK(outcome.ending == Ending::interrupted);
  CHECK(outcome.code == SIGINT);
  CHECK(scene.runner.interrupted() == SIGINT);
  CHECK(family.gone());
  CHECK(childless());
}

TEST_CASE("an interrupt reaches every child") {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  int ready = 0;
  std::vector<Ending> endings;
  for (int i = 0; i < 5; ++i) {
    const auto reader = [&, heard = Heard("ready")](std::string_view piece) mutable {
      if (heard.in(piece) && ++ready == 5) runner.interrupt(SIGTERM);
      return Flow::go_on;
    };
    auto command = shell("echo ready; sleep 100000");
    command.grace = never;
    boost::asio::co_spawn(
        io, runner.run(command, reader),
        [&](std::exception_ptr, Outcome outcome) { endings.push_back(outcome.ending); });
  }
  io.run();
  CHECK(endings == std::vector<Ending>(5, Ending::interrupted));
  CHECK(childless());
}

TEST_CASE("what cleans up goes on after an interrupt, and ends at the second") {
  for (const auto interrupts : {1, 2}) {
    CAPTURE(interrupts);
    const Folder folder;
    boost::asio::io_context io;
    Runner runner(io.get_executor());
    Outcome outcome;
    const auto reader = [&, heard = Heard("ready")](std::string_view piece) mutable {
      if (!heard.in(piece)) return Flow::go_on;
      for (int i = 0; i < interrupts; ++i) runner.interrupt(SIGTERM);
      if (interrupts == 1) folder.file("interrupted", "", std::filesystem::perms::owner_all);
      return Flow::go_on;
    };
    auto command = shell("echo ready; until [ -e '" + folder.path("interrupted") +
                         "' ]; do sleep 0.01; done; exit 3");
    command.purpose = Purpose::cleanup;
    boost::asio::co_spawn(io, runner.run(command, reader),
                          [&](std::exception_ptr, Outcome result) { outcome = result; });
    io.run();
    CHECK(outcome.ending == (interrupts == 1 ? Ending::exited : Ending::interrupted));
    CHECK(childless());
  }
}

TEST_CASE("after an interrupt nothing is started") {
  const Folder folder;
  Scene scene;
  CHECK_FALSE(scene.runner.interrupted());
  scene.runner.interrupt(SIGHUP);
  const auto outcome =
      scene.play(shell("echo >" + folder.path("proof")), [] { return Flow::stop; });
  CHECK(outcome.ending == Ending::interrupted);
  CHECK(outcome.code == SIGHUP);
  CHECK(outcome.pid == 0);
  CHECK_FALSE(std::filesystem::exists(folder.path("proof")));
}

TEST_CASE("a child that ended by itself before an interrupt was not interrupted") {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  Outcome outcome;
  const auto reader = [&](std::string_view number) {
    watch_it_end(number);
    runner.interrupt(SIGTERM);
    return Flow::go_on;
  };
  boost::asio::co_spawn(io, runner.run(shell("echo $$; exit 7"), reader),
                        [&](std::exception_ptr, Outcome result) { outcome = std::move(result); });
  io.run();
  CHECK(outcome.ending == Ending::exited);
  CHECK(outcome.code == 7);
  CHECK(runner.interrupted() == SIGTERM);
}

TEST_CASE("a child's child that holds the pipes is not waited for, and left alone") {
  const auto outcome = test::run(shell("sleep 100000 & echo $!; echo errors >&2; exit 4"));
  CHECK(outcome.ending == Ending::exited);
  CHECK(outcome.code == 4);
  CHECK(outcome.err == "errors\n");
  CHECK(childless());
  const auto left = std::atoi(outcome.out.c_str());
  REQUIRE(left > 0);
  CHECK(::kill(left, SIGKILL) == 0);
}

TEST_CASE("a run that nobody waits for any longer ends its child") {
  const Family family;
  auto command = shell(family.script(":", "sleep 100000"));
  command.grace = never;
  SUBCASE("because it is cancelled") {
    boost::asio::io_context io;
    Runner runner(io.get_executor());
    boost::asio::cancellation_signal cancel;
    std::exception_ptr end;
    const auto reader = [&, heard = Heard("ready")](std::string_view piece) mutable {
      if (heard.in(piece)) cancel.emit(boost::asio::cancellation_type::terminal);
      return Flow::go_on;
    };
    boost::asio::co_spawn(
        io, runner.run(command, reader),
        boost::asio::bind_cancellation_slot(
            cancel.slot(), [&](std::exception_ptr error, const Outcome&) { end = error; }));
    io.run();
    CHECK_THROWS_AS(std::rethrow_exception(end), boost::system::system_error);
  }
  SUBCASE("because its executor is gone") {
    Scene scene;
    scene.start(command, [&] {
      scene.io.stop();
      return Flow::go_on;
    });
    scene.io.run();
    CHECK_FALSE(scene.outcome);
  }
  CHECK(family.gone());
  CHECK(childless());
}

}  // namespace
}  // namespace retrust
