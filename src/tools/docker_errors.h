#pragma once

#include <optional>
#include <string>

#include "base/failure.h"
#include "process/outcome.h"

namespace retrust {

/// The kinds of failure of docker, or of podman's docker.
enum class DockerError {
  no_such_container,
  ambiguous,    ///< several containers have an ID with this beginning
  not_running,  ///< the container is stopped or paused
  no_permission,
  no_engine,   ///< nobody listens at the engine's socket
  no_room,     ///< no space left on device
  no_program,  ///< the command is not in the container
  timed_out,
  not_started,  ///< docker itself cannot be run
  other,
};

/// Classifies docker's exit and messages (docker 20.10 to 28, podman 4).
DockerError classify_docker(const Outcome& outcome);

/// A failure of docker in words for the operator. Refuses with status 4, or with status 2 if there
/// is no docker.
class DockerFailure : public Failure {
 public:
  DockerFailure(DockerError error_kind, const Failure& failure)
      : Failure(failure), kind(error_kind) {}
  DockerError kind;
};

/// Builds the failure for a failed docker. `named` is the operator's word for the program;
/// `command` is for people, e.g. "docker cp". Pure.
DockerFailure explain_docker(const Outcome& outcome, const std::string& named,
                             const std::string& command);

/// Whether docker itself failed, rather than the command in the container. For commands that print
/// little of their own.
bool is_dockers_own(const Outcome& outcome);

/// Docker's own failure, if docker rather than the command in the container failed. For commands
/// with errors of their own, which may name containers too.
std::optional<DockerError> docker_itself(const Outcome& outcome);

}  // namespace retrust
