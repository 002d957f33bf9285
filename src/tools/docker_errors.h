#pragma once

#include <optional>
#include <string>

#include "base/failure.h"
#include "process/outcome.h"

namespace retrust {

/// The kinds of failure that docker (or podman's docker) tells of.
enum class DockerError {
  no_such_container,
  ambiguous,    ///< the beginning of an ID that several have
  not_running,  ///< stopped or paused
  no_permission,
  no_engine,   ///< nobody listens
  no_room,     ///< no space left on device
  no_program,  ///< the command is not in the container
  timed_out,
  not_started,  ///< docker itself cannot be run
  other,
};

/// Reads docker's exit and messages (20.10 to 28, and podman 4).
DockerError classify_docker(const Outcome& outcome);

/// A docker that failed, in words for the operator. Refuses (4), but for a docker that is not
/// there (2).
class DockerFailure : public Failure {
 public:
  DockerFailure(DockerError error_kind, const Failure& failure)
      : Failure(failure), kind(error_kind) {}
  DockerError kind;
};

/// The sentence that belongs to a failed docker. `named` is the operator's word for the program;
/// `command` is for people, e.g. "docker cp". Pure.
DockerFailure explain_docker(const Outcome& outcome, const std::string& named,
                             const std::string& command);

/// Where the failure is docker's own, and not that of the command in the container, which prints
/// little of its own.
bool is_dockers_own(const Outcome& outcome);

/// The same for a command that has errors of its own to tell, which may name containers too;
/// nothing where docker did its part.
std::optional<DockerError> docker_itself(const Outcome& outcome);

}  // namespace retrust
