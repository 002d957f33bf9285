#include "tools/docker_errors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/lines.h"
#include "base/text.h"
#include "tools/endings.h"

namespace retrust {
namespace {

struct Pattern {
  std::string_view text;
  DockerError kind;
};

/// Messages of docker and podman. The first match counts.
constexpr std::array patterns{
    Pattern{"No such container", DockerError::no_such_container},
    Pattern{"No such object", DockerError::no_such_container},
    Pattern{"no such container", DockerError::no_such_container},
    Pattern{"no such object", DockerError::no_such_container},
    Pattern{"no container with name or ID", DockerError::no_such_container},
    // "Multiple" before docker 29, "multiple" since: moby/moby, daemon/container/view.go.
    Pattern{"ultiple IDs found with provided prefix", DockerError::ambiguous},
    Pattern{"more than one result", DockerError::ambiguous},
    Pattern{"is not running", DockerError::not_running},
    Pattern{"is paused", DockerError::not_running},
    Pattern{"is restarting", DockerError::not_running},
    Pattern{"container state improper", DockerError::not_running},
    Pattern{"on running containers", DockerError::not_running},
    Pattern{"permission denied while trying to connect", DockerError::no_permission},
    Pattern{"ermission denied", DockerError::no_permission},
    Pattern{"Cannot connect to the Docker daemon", DockerError::no_engine},
    Pattern{"failed to connect to the docker API", DockerError::no_engine},  // docker 29
    Pattern{"error during connect", DockerError::no_engine},
    Pattern{"connect to Podman", DockerError::no_engine},
    Pattern{"No space left on device", DockerError::no_room},
    Pattern{"no space left on device", DockerError::no_room},
    Pattern{"executable file not found", DockerError::no_program},
    Pattern{"executable file `", DockerError::no_program},
};

Failure reason(DockerError kind, const Outcome& outcome, const std::string& named,
               const std::string& command) {
  const auto docker = shell_line({named});
  const auto refused = [&](std::string happened, Advice advice) {
    return Failure(ExitStatus::refused, std::move(happened), std::move(advice), own_words(outcome));
  };
  switch (kind) {
    case DockerError::no_such_container:
      return refused(
          "there is no such container",
          {"--rancher-container takes a name or an ID; see the names", docker + " ps -a"});
    case DockerError::ambiguous:
      return refused("several containers fit what --rancher-container names",
                     {"give the whole name or ID; see the names", docker + " ps -a"});
    case DockerError::not_running:
      return refused("the container is not running",
                     {"do without --rancher-container: give --local-kubeconfig, and for the backup "
                      "--no-rancher-backup; else start it",
                      docker + " start NAME"});
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
          {"--command-timeout allows more time; see whether the engine hangs", docker + " ps -a"});
    case DockerError::not_started:
      return {FailureCode::no_program, fmt::format("cannot run {}", named),
              "install docker, or name it (or podman) with --docker", own_words(outcome)};
    case DockerError::other:
      break;
  }
  return refused(fmt::format("{} failed: {}", command, ending_text(outcome)), {});
}

/// Beginnings of the lines that docker and podman print themselves.
constexpr std::array beginnings{
    std::string_view{"Error response from daemon"},
    std::string_view{"Cannot connect to the Docker daemon"},
    std::string_view{"failed to connect to the docker API"},
    std::string_view{"error during connect"},
    std::string_view{"permission denied while trying to connect"},
    std::string_view{"Got permission denied while trying to connect"},
    std::string_view{"OCI runtime exec failed"},
    std::string_view{"Error: No such container"},
    std::string_view{"Error: no container"},
    std::string_view{"Error: can only"},
    std::string_view{"Error: crun"},
    std::string_view{"Error: runc"},
};

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

DockerFailure explain_docker(const Outcome& outcome, const std::string& named,
                             const std::string& command) {
  const auto kind = classify_docker(outcome);
  return {kind, reason(kind, outcome, named, command)};
}

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

std::optional<DockerError> docker_itself(const Outcome& outcome) {
  if (outcome.ending == Ending::not_found || outcome.ending == Ending::not_executable) {
    return DockerError::not_started;
  }
  if (outcome.ending != Ending::exited || outcome.code == 0) return std::nullopt;
  constexpr int cannot_be_run = 126;
  constexpr int not_there = 127;
  if (outcome.code == cannot_be_run || outcome.code == not_there) return DockerError::no_program;
  auto own = false;
  for_each_line(outcome.err, [&](std::string_view line) {
    own = own || std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) {
            return line.starts_with(beginning);
          });
  });
  return own ? std::optional(classify_docker(outcome)) : std::nullopt;
}

}  // namespace retrust
