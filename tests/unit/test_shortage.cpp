// Children on a machine that has no descriptor left for them.
#include <cerrno>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "base/failure.h"
#include "children.h"
#include "process/descriptor_limit.h"

namespace retrust {
namespace {

namespace asio = boost::asio;

/// The soft limit of open files, put back at the end.
class OpenFiles {
 public:
  OpenFiles() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual_) == 0); }
  ~OpenFiles() { ::setrlimit(RLIMIT_NOFILE, &usual_); }
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  void allow(rlim_t number) const {
    const rlimit limit{number, usual_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  void allow_usual() const { allow(usual_.rlim_cur); }
  rlim_t most() const { return usual_.rlim_max; }

 private:
  rlimit usual_{};
};

/// A machine on which something becomes free after some attempts.
class Freed final : public Shortage {
 public:
  Freed(const OpenFiles& files, int after) : files_(files), after_(after) {}
  asio::awaitable<bool> tries_again(const Outcome& lacking) override {
    last = lacking.code;
    if (++attempts == after_) files_.allow_usual();
    co_return attempts <= after_;
  }
  void over() override { ++ends; }
  int attempts = 0;
  int ends = 0;
  int last = 0;

 private:
  const OpenFiles& files_;
  int after_;
};

Outcome run_with(Shortage& shortage, Command command) {
  asio::io_context io;
  Runner runner(io.get_executor());
  runner.on_shortage(shortage);
  Outcome outcome;
  asio::co_spawn(io, runner.run(std::move(command)),
                 [&](const std::exception_ptr&, Outcome result) { outcome = std::move(result); });
  io.run();
  return outcome;
}

TEST_CASE("a child that lacks a descriptor is started when one is free") {
  const OpenFiles files;
  Freed freed(files, 3);
  // The executor has its own already.
  files.allow(static_cast<rlim_t>(::dup(STDERR_FILENO)) + 6);
  auto command = test::shell("cat");
  command.input = "what it is given";
  const auto outcome = run_with(freed, std::move(command));
  CHECK(outcome.out == "what it is given");
  CHECK(freed.attempts == 3);
  CHECK(freed.ends == 1);
  CHECK(freed.last == EMFILE);
}

TEST_CASE("a child that lacks a descriptor for too long is not started") {
  const OpenFiles files;
  Freed freed(files, 0);
  files.allow(static_cast<rlim_t>(::dup(STDERR_FILENO)) + 6);
  const auto outcome = run_with(freed, test::shell(""));
  files.allow_usual();
  CHECK(outcome.ending == Ending::no_resources);
  CHECK(freed.attempts == 1);
  CHECK(freed.ends == 0);
}

TEST_CASE("children get the limit of open files back that was raised") {
  const OpenFiles files;
  constexpr rlim_t few = 200;
  REQUIRE(files.most() > few);
  files.allow(few);
  const auto before = raise_descriptor_limit();
  REQUIRE(before.has_value());
  CHECK(*before == few);
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur > few);
  asio::io_context io;
  Runner runner(io.get_executor(), before);
  Outcome outcome;
  asio::co_spawn(io, runner.run(test::shell("ulimit -S -n; ulimit -H -n")),
                 [&](const std::exception_ptr&, Outcome result) { outcome = std::move(result); });
  io.run();
  const auto hard = files.most() == RLIM_INFINITY ? "unlimited" : std::to_string(files.most());
  CHECK(outcome.out == std::to_string(few) + "\n" + hard + "\n");
  CHECK_FALSE(raise_descriptor_limit().has_value());
}

TEST_CASE("the advice names the limit") {
  const std::vector<std::pair<int, std::string>> cases{{EMFILE, "ulimit -n"},
                                                       {ENFILE, "file-nr"},
                                                       {EAGAIN, "ulimit -u"},
                                                       {ENOMEM, "free -m"},
                                                       {ENOSPC, "df -h"}};
  for (const auto& [error, limit] : cases) {
    CAPTURE(error);
    const std::error_code code(error, std::generic_category());
    CHECK(is_shortage(code));
    const auto failure = shortage("no resources", code);
    CHECK(failure.status == ExitStatus::failed);
    CHECK(failure.advice.text().find(limit) != std::string::npos);
  }
}

}  // namespace
}  // namespace retrust
