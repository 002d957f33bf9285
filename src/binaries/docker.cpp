#include "binaries/docker.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "transcript/text.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

struct Pattern {
  std::string_view text;
  DockerError kind;
};

/// What docker and podman print, by the first that fits.
constexpr std::array patterns{
    Pattern{"No such container", DockerError::no_such_container},
    Pattern{"No such object", DockerError::no_such_container},
    Pattern{"no such container", DockerError::no_such_container},
    Pattern{"no such object", DockerError::no_such_container},
    Pattern{"no container with name or ID", DockerError::no_such_container},
    Pattern{"Multiple IDs found with provided prefix", DockerError::ambiguous},
    Pattern{"more than one result", DockerError::ambiguous},
    Pattern{"is not running", DockerError::not_running},
    Pattern{"is paused", DockerError::not_running},
    Pattern{"is restarting", DockerError::not_running},
    Pattern{"container state improper", DockerError::not_running},
    Pattern{"on running containers", DockerError::not_running},
    Pattern{"permission denied while trying to connect", DockerError::no_permission},
    Pattern{"ermission denied", DockerError::no_permission},
    Pattern{"Cannot connect to the Docker daemon", DockerError::no_engine},
    Pattern{"error during connect", DockerError::no_engine},
    Pattern{"connect to Podman", DockerError::no_engine},
    Pattern{"No space left on device", DockerError::no_room},
    Pattern{"no space left on device", DockerError::no_room},
    Pattern{"executable file not found", DockerError::no_program},
    Pattern{"executable file `", DockerError::no_program},
};

Failure reason(DockerError kind, const Outcome& outcome, const std::string& program,
               const std::string& command) {
  const auto refused = [&](std::string happened, std::string advice) {
    return Failure(ExitStatus::refused, std::move(happened), std::move(advice), own_words(outcome));
  };
  switch (kind) {
    case DockerError::no_such_container:
      return refused("there is no such container",
                     "docker ps -a shows the names; --rancher-container takes a name or an ID");
    case DockerError::ambiguous:
      return refused("several containers fit what --rancher-container names",
                     "give the whole name or ID: docker ps -a shows them");
    case DockerError::not_running:
      return refused("the container is not running",
                     "start it (docker start NAME), or back its data up by hand and give "
                     "--no-rancher-backup");
    case DockerError::no_permission:
      return refused("no permission to speak to the container engine",
                     "run as root, or as a user in the group docker");
    case DockerError::no_engine:
      return refused("no container engine answers",
                     "run this where Rancher's container runs, or set DOCKER_HOST");
    case DockerError::no_room:
      return refused(fmt::format("no space was left: {}", command),
                     "make room on that disk, then run again");
    case DockerError::no_program:
      return refused(fmt::format("the container lacks what {} needs", command),
                     "is this really Rancher's container? Otherwise back its data up by hand and "
                     "give --no-rancher-backup");
    case DockerError::timed_out:
      return refused(
          fmt::format("no answer from the container engine within {}: {} was ended",
                      duration_text(outcome.wall), command),
          "see whether the engine hangs (docker ps); --command-timeout allows more time");
    case DockerError::not_started:
      return {ExitStatus::usage, fmt::format("cannot run {}", program),
              "install docker, or name it (or podman) with --docker", one_line(outcome.err)};
    case DockerError::other:
      break;
  }
  return refused(fmt::format("{} failed: {}", command, ending_text(outcome)), {});
}

DockerFailure explain(const Outcome& outcome, const std::string& program,
                      const std::string& command) {
  const auto kind = classify_docker(outcome);
  return {kind, reason(kind, outcome, program, command)};
}

/// Where the failure is docker's own, and not that of the command in the container.
bool is_dockers_own(const Outcome& outcome) {
  if (outcome.ending != Ending::exited) return true;
  switch (classify_docker(outcome)) {
    case DockerError::no_room:
    case DockerError::other:
      return outcome.err.find("Error response from daemon") != std::string::npos;
    case DockerError::no_permission:
      return outcome.err.find("connect") != std::string::npos;
    default:
      return true;
  }
}

/// Sizes of "$1", a line a second, from when it is there to when it is gone.
constexpr const char* size_script =
    "n=0; until [ -e \"$1\" ] || [ $((n += 1)) -gt 60 ]; do sleep 1; done; "
    "while stat -c %s \"$1\" 2>/dev/null; do sleep 1; done";

/// Whatever has "$1" among its arguments, this shell apart, then the file.
constexpr const char* remove_script =
    "for p in /proc/[0-9]*; do [ \"${p#/proc/}\" = $$ ] && continue; "
    "case \"$(tr '\\0' ' ' <\"$p/cmdline\" 2>/dev/null)\" in "
    "*\"$1\"*) kill \"${p#/proc/}\" 2>/dev/null;; esac; done; rm -f -- \"$1\"";

std::vector<std::string> joined(std::vector<std::string> words,
                                const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

DockerError classify_docker(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::not_found:
    case Ending::not_executable:
      return DockerError::not_started;
    case Ending::timed_out:
      return DockerError::timed_out;
    case Ending::exited:
      break;
    default:
      return DockerError::other;
  }
  const auto* found = std::find_if(patterns.begin(), patterns.end(), [&](const Pattern& pattern) {
    return outcome.err.find(pattern.text) != std::string::npos;
  });
  return found == patterns.end() ? DockerError::other : found->kind;
}

Docker Docker::in_section(std::string section) const {
  auto copy = *this;
  copy.section_ = std::move(section);
  return copy;
}

std::vector<std::string> Docker::size_args(const std::string& container,
                                           const std::string& folder) {
  return {"exec", container, "du", "-sk", folder};
}

std::vector<std::string> Docker::archive_args(const std::string& container, const std::string& file,
                                              const std::string& folder) {
  return {"exec", container, "tar", "zcvf", file, folder};
}

std::vector<std::string> Docker::copy_args(const std::string& container, const std::string& file) {
  return {"cp", container + ":" + file, "-"};
}

awaitable<Outcome> Docker::start(Call call, OutputReader reader) const {
  Announcement announcement;
  announcement.section = section_;
  announcement.line = call.shown.empty() ? shell_line(joined({"docker"}, call.args)) : call.shown;
  announcement.name = "docker " + call.args.front();
  announcement.about["program"] = target_.program;
  announcement.output = call.output;
  announcement.weight = call.weight;
  Command command;
  command.program = target_.program;
  command.args = std::move(call.args);
  command.deadline = call.deadline;
  command.purpose = call.purpose;
  return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                       std::move(reader));
}

awaitable<boost::json::value> Docker::inspect(std::string container) const {
  Call call{.args = {"inspect", "--type", "container", std::move(container)},
            .output = Output::secret,
            .deadline = target_.command_timeout};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain(outcome, target_.program, "docker inspect");
  boost::system::error_code wrong;
  auto shown = boost::json::parse(outcome.out, wrong);
  if (wrong) {
    throw Failure(ExitStatus::refused,
                  fmt::format("docker inspect printed what is not JSON ({} bytes: {})",
                              outcome.out.size(), wrong.message()),
                  fmt::format("check that {} is docker", target_.program));
  }
  co_return shown;
}

awaitable<Outcome> Docker::look(std::string container, std::vector<std::string> args) const {
  auto words = joined({"exec", std::move(container)}, args);
  Call call{.args = std::move(words), .deadline = target_.command_timeout};
  auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded() && is_dockers_own(outcome)) {
    throw explain(outcome, target_.program, "docker exec " + args.front());
  }
  co_return outcome;
}

awaitable<Outcome> Docker::archive(std::string container, std::string file,
                                   std::string folder) const {
  Call call{.args = archive_args(container, file, folder), .weight = Weight::documented};
  // A line for each file: nobody needs them all.
  auto outcome = co_await start(std::move(call), [](std::string_view) { return Flow::go_on; });
  const auto changed_meanwhile =
      outcome.ending == Ending::exited && outcome.code == 1 && !is_dockers_own(outcome);
  if (!outcome.succeeded() && !changed_meanwhile) {
    throw explain(outcome, target_.program, "docker exec tar");
  }
  co_return outcome;
}

awaitable<void> Docker::follow_size(std::string container, std::string file,
                                    std::function<void(std::uint64_t)> on_size) const {
  Call call{.args = {"exec", container, "sh", "-c", size_script, "sh", file},
            .shown = fmt::format("docker exec {} stat -c %s {}", container, file)};
  std::string line;
  co_await start(std::move(call), [&](std::string_view piece) {
    for (const char c : piece) {
      if (c != '\n') {
        line += c;
        continue;
      }
      std::uint64_t size = 0;
      const auto* end = line.data() + line.size();
      if (std::from_chars(line.data(), end, size).ptr == end) on_size(size);
      line.clear();
    }
    return Flow::go_on;
  });
}

awaitable<void> Docker::copy_out(std::string container, std::string file,
                                 OutputReader reader) const {
  Call call{
      .args = copy_args(container, file), .output = Output::secret, .weight = Weight::documented};
  const auto outcome = co_await start(std::move(call), std::move(reader));
  if (!outcome.succeeded()) throw explain(outcome, target_.program, "docker cp");
}

awaitable<void> Docker::remove(std::string container, std::string file) const {
  constexpr std::chrono::seconds limit{10};
  Call call{.args = {"exec", container, "sh", "-c", remove_script, "sh", file},
            .shown = fmt::format("docker exec {} rm -f {}", container, file),
            .deadline = limit,
            .purpose = Purpose::cleanup};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain(outcome, target_.program, "docker exec rm");
}

}  // namespace retrust
