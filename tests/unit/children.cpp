#include "children.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace retrust::test {

namespace fs = std::filesystem;

Folder::Folder() {
  auto pattern = (fs::temp_directory_path() / "retrust-unit-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string Folder::file(const std::string& name, std::string_view content,
                         fs::perms permissions) const {
  std::ofstream(path_ / name) << content;
  fs::permissions(path_ / name, permissions);
  return path(name);
}

Fifo::Fifo(std::string path) : path_(std::move(path)) {
  if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor_ < 0) throw std::runtime_error("open");
}

Fifo::~Fifo() {
  ::close(descriptor_);
}

std::string Fifo::read_to_end() const {
  std::string text;
  for (;;) {
    char piece[64];
    const auto size = ::read(descriptor_, piece, sizeof piece);
    if (size == 0) return text;
    if (size > 0) {
      text.append(piece, static_cast<std::size_t>(size));
      continue;
    }
    pollfd wait{descriptor_, POLLIN, 0};
    if (::poll(&wait, 1, 30'000) == 0) throw std::runtime_error("somebody holds the fifo");
  }
}

Command shell(std::string script) {
  Command command;
  command.program = "/bin/sh";
  command.args = {"-c", std::move(script)};
  command.deadline = std::nullopt;
  return command;
}

Outcome run(Command command, OutputReader reader) {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  Outcome outcome;
  boost::asio::co_spawn(io, runner.run(std::move(command), std::move(reader)),
                        [&](std::exception_ptr error, Outcome result) {
                          if (error) std::rethrow_exception(error);
                          outcome = std::move(result);
                        });
  io.run();
  return outcome;
}

std::vector<Outcome> run_all(std::vector<Command> commands) {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  std::vector<Outcome> outcomes(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    boost::asio::co_spawn(io, runner.run(std::move(commands[i])),
                          [&outcomes, i](std::exception_ptr error, Outcome result) {
                            if (error) std::rethrow_exception(error);
                            outcomes[i] = std::move(result);
                          });
  }
  io.run();
  return outcomes;
}

Outcome run_past_deadline(Command command, std::string_view word) {
  for (std::chrono::milliseconds limit{100};; limit *= 2) {
    command.deadline = limit;
    auto outcome = run(command);
    if (outcome.out.find(word) != std::string::npos) return outcome;
    if (limit > std::chrono::minutes(1)) throw std::runtime_error("never ready");
  }
}

bool childless() {
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

}  // namespace retrust::test
