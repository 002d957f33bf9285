#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "process/process.h"
#include "tools/announced.h"
#include "tools/arguments.h"
#include "tools/docker_errors.h"
#include "transcript/event.h"

namespace retrust {

/// The beginning of the environment variable that marks a process in a container.
inline constexpr const char* mark_name = "RETRUST_MARK=";

/// Paths in a container of archives that no run needs any longer.
struct LeftArchives {
  std::vector<std::string> removed = {};
  std::vector<std::string> used = {};  ///< a tar is still making them
};

struct DockerTarget {
  std::string program = "docker";
  std::chrono::milliseconds command_timeout{std::chrono::seconds{60}};
  std::string named = "docker";  ///< the operator's word for docker, for commands to paste
};

/// A client of docker, the one place that knows its command line. Cheap to copy. Every command is
/// announced as an event. All functions throw DockerFailure or Interrupted.
class Docker {
 public:
  /// The references must outlive this and its copies.
  Docker(Runner& runner, EventSink& events, DockerTarget target)
      : runner_(&runner), events_(&events), target_(std::move(target)) {}

  const std::string& program() const { return target_.program; }
  /// The operator's word for docker, quoted for a shell.
  std::string shown() const;

  /// A copy that announces its commands under a section of the runbook.
  Docker in_section(std::string section) const;

  /// The output of `docker --version`, e.g. "Docker version 20.10.24"; empty if the command fails.
  boost::asio::awaitable<DisplayText> version() const;

  /// Runs `docker inspect`, whose output holds secrets.
  boost::asio::awaitable<boost::json::value> inspect(ContainerName container) const;

  /// Runs a command that reads and prints little by `docker exec`. Returns its output and ending.
  /// Throws only if docker itself fails.
  boost::asio::awaitable<Outcome> look(ContainerName container, Arguments args) const;

  /// Runs the documented tar by `docker exec`, without a deadline. Throws if tar fails. Status 1
  /// means that a file changed while tar read the file: the function then returns the outcome.
  boost::asio::awaitable<Outcome> archive(ContainerName container, std::string file,
                                          std::string folder) const;

  /// Reports the size in bytes of a file in the container until the caller cancels.
  boost::asio::awaitable<void> follow_size(ContainerName container, std::string file,
                                           std::function<void(std::uint64_t)> on_size) const;

  /// Runs `docker cp CONTAINER:FILE FOLDER`, without a deadline. docker fails at a file larger than
  /// `largest` bytes. `watch` is called meanwhile, see Command: its exception ends docker and is
  /// passed on.
  boost::asio::awaitable<void> copy_out(ContainerName container, std::string file,
                                        std::string folder, std::uint64_t largest,
                                        std::function<void()> watch) const;

  /// Removes a file in the container and ends each process there that works on the file: `docker
  /// exec` passes no signals on. Also runs after an interruption.
  boost::asio::awaitable<void> remove(ContainerName container, std::string file) const;

  /// Removes archives that earlier runs left, for instance because somebody killed them. `begin` is
  /// the beginning of their paths. An archive that a tar is making stays.
  boost::asio::awaitable<LeftArchives> remove_left(ContainerName container,
                                                   std::string begin) const;

  /// Runs `docker restart`, which returns once the container has started again.
  boost::asio::awaitable<void> restart(ContainerName container,
                                       std::chrono::milliseconds deadline) const;

  /// Ends the processes that `docker exec -e MARK` left in the container: `docker exec` passes no
  /// signals on. Also runs after an interruption.
  boost::asio::awaitable<void> end_marked(ContainerName container, std::string mark) const;

  /// Arguments of the commands, for runs and for plans.
  static Arguments restart_args(const ContainerName& container);
  static Arguments archive_args(const ContainerName& container, std::string_view file,
                                std::string_view folder);
  static Arguments copy_args(const ContainerName& container, std::string_view file,
                             std::string_view folder);

 private:
  struct Call {
    Arguments args;
    std::string shown = {};  ///< the command line to show, if not the arguments
    Output output = Output::public_text;
    Weight weight = Weight::routine;
    TimeLimit deadline = {};
    /// Limit of the output in bytes: most commands print a line or two.
    std::size_t output_limit = std::size_t{64} << 10U;
    Purpose purpose = Purpose::ordinary;
    std::optional<std::uint64_t> largest_file = {};
    std::function<void()> watch = {};
  };
  boost::asio::awaitable<Outcome> start(Call call, OutputReader reader = {}) const;

  Runner* runner_;
  EventSink* events_;
  DockerTarget target_;
  std::string section_;
};

}  // namespace retrust
