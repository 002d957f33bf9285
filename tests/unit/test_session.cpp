#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "children.h"
#include "tools/session.h"

namespace retrust::test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr auto executable = fs::perms::owner_all;

/// Words of a shell that serve, as kubectl does, until they are ended; whoever runs them holds
/// descriptor 9, and appends its number to `pids`.
std::string serving(const Fifo& fifo) {
  return fmt::format("exec 9>{}; printf 'Starting to serve on x\\n'; while :; do sleep 1000; done",
                     fifo.path());
}

/// A kubectl that serves; `as` is how: a wrapper has a child that does, and stays.
std::string kubectl(const Folder& folder, const Fifo& fifo, const std::string& before = "") {
  const auto real =
      folder.file("real", fmt::format("#!/bin/sh\n{}\n{}\n", before, serving(fifo)), executable);
  return folder.file("kubectl", fmt::format("#!/bin/sh\n{}\n{} \"$@\"\nexit $?\n", before, real),
                     executable);
}

pid_t first_child(pid_t parent) {
  pid_t child = 0;
  std::ifstream(fmt::format("/proc/{0}/task/{0}/children", parent)) >> child;
  return child;
}

class Sessions {
 public:
  explicit Sessions(const std::string& program) { make(program, of_this()); }
  Sessions(const std::string& program, SessionNews news) { make(program, std::move(news)); }
  void run(std::function<asio::awaitable<void>()> task) {
    std::exception_ptr failure;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr error) { failure = error; });
    io.run();
    io.restart();
    if (failure) std::rethrow_exception(failure);
  }

  asio::io_context io;
  Runner runner{io.get_executor()};
  std::vector<std::string> args;
  int starts = 0;
  std::optional<std::string> ended;
  std::optional<Session> session;

 private:
  SessionNews of_this() {
    SessionNews news;
    news.started = [this](const Arguments& proxy) {
      args = proxy.list();
      ++starts;
    };
    news.ended = [this](std::string_view how, std::chrono::milliseconds) { ended = how; };
    return news;
  }

  void make(const std::string& program, SessionNews news) {
    SessionTarget target;
    target.program = program;
    target.args = [](const Arguments& proxy) { return proxy.list(); };
    session.emplace(runner, io.get_executor(), std::move(target), std::move(news));
    session->set_base("");
  }
};

TEST_CASE("session: its proxy ends with it, also behind a wrapper and where it ignores signals") {
  for (const std::string before : {"", "trap '' TERM HUP INT"}) {
    CAPTURE(before);
    const Folder folder;
    const Fifo fifo(folder.path("fifo"));
    Sessions sessions(kubectl(folder, fifo, before));
    std::optional<std::string> socket;
    sessions.run([&]() -> asio::awaitable<void> {
      socket = co_await sessions.session->socket();
      sessions.session->close();
    });
    REQUIRE(socket);
    CHECK(sessions.args == proxy_args(*socket).list());
    CHECK(socket->size() < 107);
    CHECK_FALSE(fs::exists(fs::path(*socket).parent_path()));
    fifo.read_to_end();
    CHECK(childless());
  }
}

TEST_CASE("session: its proxy ends with it, also where a wrapper gives it another process group") {
  const Folder folder;
  const Fifo fifo(folder.path("fifo"));
  const auto real = folder.file(
      "real", fmt::format("#!/bin/sh\ntrap '' TERM HUP INT\n{}\n", serving(fifo)), executable);
  const auto wrapper = folder.file(
      "kubectl", fmt::format("#!/bin/sh\nsetsid timeout 900 {} \"$@\"\nexit $?\n", real),
      executable);
  Sessions sessions(wrapper);
  sessions.run([&]() -> asio::awaitable<void> {
    co_await sessions.session->socket();
    sessions.session->close();
  });
  fifo.read_to_end();
  CHECK(childless());
}

TEST_CASE("session: its folder is private, and goes with its socket") {
  const Folder folder;
  const Fifo fifo(folder.path("fifo"));
  Sessions sessions(kubectl(folder, fifo));
  std::optional<std::string> socket;
  sessions.run([&]() -> asio::awaitable<void> {
    socket = co_await sessions.session->socket();
    const auto place = fs::path(*socket).parent_path();
    CHECK(fs::status(place).permissions() == fs::perms::owner_all);
    // As kubectl leaves it when a signal ends it.
    fs::create_symlink("nowhere", *socket);
    sessions.session->close();
  });
  CHECK_FALSE(fs::exists(fs::path(*socket).parent_path()));
}

TEST_CASE("session: its proxy and its folder go when this process is killed") {
  const Folder folder;
  const Fifo fifo(folder.path("fifo"));
  const Fifo said(folder.path("said"));
  const auto program = kubectl(folder, fifo);
  const auto child = ::fork();
  if (child == 0) {
    // Nothing but the kernel ends this process.
    Sessions sessions(program);
    sessions.run([&]() -> asio::awaitable<void> {
      const auto socket = co_await sessions.session->socket();
      const auto told = fmt::format("{}\n", fs::path(*socket).parent_path().string());
      auto* out = std::fopen(said.path().c_str(), "w");
      std::fputs(told.c_str(), out);
      std::fclose(out);
      ::kill(::getpid(), SIGKILL);
    });
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WTERMSIG(status) == SIGKILL);
  auto place = said.read_to_end();
  place.pop_back();
  CHECK(place.starts_with("/"));
  fifo.read_to_end();
  // The guard removes it after the end of the proxy.
  while (fs::exists(place)) ::usleep(1000);
}

TEST_CASE("session: its proxy ends with it, also where somebody stopped the guard") {
  for (const std::string which : {"the known process", "the guard", "both"}) {
    CAPTURE(which);
    const Folder folder;
    const Fifo fifo(folder.path("fifo"));
    Sessions sessions(kubectl(folder, fifo));
    sessions.run([&]() -> asio::awaitable<void> {
      co_await sessions.session->socket();
      const auto known = first_child(::getpid());
      const auto guard = first_child(known);
      if (which != "the guard") ::kill(known, SIGSTOP);
      if (which != "the known process") ::kill(guard, SIGSTOP);
      sessions.session->close();
    });
    fifo.read_to_end();
    CHECK(childless());
  }
}

TEST_CASE("session: its proxy ends after a second interrupt, too, which kills at once") {
  const Folder folder;
  const Fifo fifo(folder.path("fifo"));
  Sessions sessions(kubectl(folder, fifo, "trap '' TERM HUP INT"));
  sessions.run([&]() -> asio::awaitable<void> {
    co_await sessions.session->socket();
    sessions.runner.interrupt(SIGINT);
    sessions.runner.interrupt(SIGINT);
  });
  fifo.read_to_end();
}

TEST_CASE("session: a proxy that dies is started again, but not for ever") {
  const Folder folder;
  const auto program =
      folder.file("kubectl", "#!/bin/sh\nprintf 'Starting to serve on x\\n'\nexit 0\n", executable);
  Sessions sessions(program);
  int served = 0;
  sessions.run([&]() -> asio::awaitable<void> {
    for (;;) {
      const auto socket = co_await sessions.session->socket();
      if (!socket) break;
      ++served;
      const auto before = sessions.starts;
      // Until the end of this one is known.
      while (!sessions.ended) co_await asio::post(sessions.io, asio::use_awaitable);
      sessions.ended.reset();
      CHECK(sessions.starts == before);
    }
  });
  CHECK(served == 4);
  CHECK(sessions.starts == 4);
}

TEST_CASE("session: none where its start or its end cannot be told") {
  const Folder folder;
  const Fifo fifo(folder.path("fifo"));
  const auto program = kubectl(folder, fifo);
  std::string place;
  SessionNews news;
  SUBCASE("as a full disk keeps the transcript from being written") {
    news.started = [&](const Arguments& proxy) {
      const auto& words = proxy.list();
      place = fs::path(words.at(1).substr(words.at(1).find('/'))).parent_path();
      throw std::runtime_error("disk full");
    };
    Sessions sessions(program, news);
    sessions.run([&]() -> asio::awaitable<void> {
      const auto socket = co_await sessions.session->socket();
      CHECK_FALSE(socket);
      sessions.session->close();
    });
    CHECK_FALSE(place.empty());
    CHECK_FALSE(fs::exists(place));
  }
  SUBCASE("at its end") {
    news.ended = [](std::string_view, std::chrono::milliseconds) {
      throw std::runtime_error("disk full");
    };
    Sessions sessions(program, news);
    sessions.run([&]() -> asio::awaitable<void> {
      const auto socket = co_await sessions.session->socket();
      CHECK(socket);
      sessions.session->close();
    });
    fifo.read_to_end();
  }
}

TEST_CASE("session: none where kubectl cannot serve") {
  const Folder folder;
  const auto broken = folder.file(
      "kubectl", "#!/bin/sh\necho 'error: unknown flag: --unix-socket' >&2\nexit 1\n", executable);
  for (const auto& program : {broken, folder.path("none"), folder.file("text", "", executable)}) {
    CAPTURE(program);
    Sessions sessions(program);
    sessions.run([&]() -> asio::awaitable<void> {
      for (int attempt = 0; attempt < 2; ++attempt) {
        const auto socket = co_await sessions.session->socket();
        CHECK_FALSE(socket);
      }
    });
    CHECK(sessions.starts == 1);
  }
}

TEST_CASE("session: none where kubectl says nothing, or too much") {
  const Folder folder;
  const auto mute = folder.file("mute", "#!/bin/sh\nsleep 1000\n", executable);
  const auto flood = folder.file("flood", "#!/bin/sh\nyes\n", executable);
  for (const auto& program : {mute, flood}) {
    CAPTURE(program);
    asio::io_context io;
    Runner runner(io.get_executor());
    SessionTarget target;
    target.program = program;
    target.args = [](Arguments proxy) { return proxy.list(); };
    target.start_limit = std::chrono::milliseconds{program == mute ? 50 : 20000};
    Session session(runner, io.get_executor(), std::move(target));
    session.set_base("");
    std::optional<std::string> socket("x");
    asio::co_spawn(
        io, [&]() -> asio::awaitable<void> { socket = co_await session.socket(); }, asio::detached);
    io.run();
    CHECK_FALSE(socket);
    CHECK(childless());
  }
}

TEST_CASE("session: its folder is where the address of a socket can name it") {
  const Folder folder;
  const auto far = fs::path(folder.path(std::string(90, 'x')));
  fs::create_directory(far);
  const auto near = session_folder({far, "/nonexistent", folder.path("")});
  REQUIRE(near);
  CHECK(near->string().starts_with(folder.path("")));
  const auto open = fs::path(folder.path("open"));
  fs::create_directory(open);
  fs::permissions(open, fs::perms::all);
  CHECK_FALSE(session_folder({far, "/nonexistent", open}));
  fs::permissions(open, fs::perms::all | fs::perms::sticky_bit);
  CHECK(session_folder({open}));
}

}  // namespace
}  // namespace retrust::test
