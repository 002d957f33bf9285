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

/// Begins the environment variable by which a process in a container is told.
inline constexpr const char* mark_name = "RETRUST_MARK=";

struct DockerTarget {
  std::string program = "docker";
  std::chrono::milliseconds command_timeout{std::chrono::seconds{60}};
  std::string named = "docker";  ///< the operator's word for it, for commands to paste
};

/// The one place that knows how docker is spoken to. Cheap to copy. Every command is announced as
/// an event. All functions throw DockerFailure, or Interrupted.
class Docker {
 public:
  /// The references must outlive this and its copies.
  Docker(Runner& runner, EventSink& events, DockerTarget target)
      : runner_(&runner), events_(&events), target_(std::move(target)) {}

  const std::string& program() const { return target_.program; }
  /// The operator's word for it, as a shell reads it.
  std::string shown() const;

  /// A copy whose commands are announced as belonging to that section of the runbook.
  Docker in_section(std::string section) const;

  /// What `docker --version` prints, e.g. "Docker version 20.10.24"; empty where it fails.
  boost::asio::awaitable<DisplayText> version() const;

  /// `docker inspect`; what it shows has secrets in it.
  boost::asio::awaitable<boost::json::value> inspect(ContainerName container) const;

  /// `docker exec` of a command that reads and prints little; its output and how it ended. Fails
  /// only where docker itself does.
  boost::asio::awaitable<Outcome> look(ContainerName container, Arguments args) const;

  /// `docker exec` of the documented tar, however long it takes. Fails as tar does, but that status
  /// 1 is what a file that changed while it was read gives: how it ended is returned.
  boost::asio::awaitable<Outcome> archive(ContainerName container, std::string file,
                                          std::string folder) const;

  /// Tells how many bytes a file in the container has by now, until whoever called ends this.
  boost::asio::awaitable<void> follow_size(ContainerName container, std::string file,
                                           std::function<void(std::uint64_t)> on_size) const;

  /// `docker cp CONTAINER:FILE FOLDER`, however long it takes. No file that docker writes becomes
  /// larger than `largest` bytes: docker fails there. `watch` is called meanwhile, see Command;
  /// what it throws ends docker, and comes out.
  boost::asio::awaitable<void> copy_out(ContainerName container, std::string file,
                                        std::string folder, std::uint64_t largest,
                                        std::function<void()> watch) const;

  /// Removes a file in the container, and ends each process that works on it there: `docker exec`
  /// passes no signals on. Is done after an interruption too.
  boost::asio::awaitable<void> remove(ContainerName container, std::string file) const;

  /// `docker restart`; returns when the container has been started again.
  boost::asio::awaitable<void> restart(ContainerName container,
                                       std::chrono::milliseconds deadline) const;

  /// Ends what `docker exec -e MARK` began in the container and left there: it passes no signals
  /// on. Is done after an interruption too.
  boost::asio::awaitable<void> end_marked(ContainerName container, std::string mark) const;

  /// Arguments as they are run and as a plan shows them.
  static Arguments restart_args(const ContainerName& container);
  static Arguments archive_args(const ContainerName& container, std::string_view file,
                                std::string_view folder);
  static Arguments copy_args(const ContainerName& container, std::string_view file,
                             std::string_view folder);

 private:
  struct Call {
    Arguments args;
    std::string shown = {};  ///< where that is not the arguments
    Output output = Output::public_text;
    Weight weight = Weight::routine;
    std::chrono::milliseconds deadline{0};
    /// Bytes: a line or two are expected.
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
