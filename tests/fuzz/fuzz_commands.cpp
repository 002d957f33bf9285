#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include "base/failure.h"
#include "base/text.h"
#include "choices/backup_choice.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "tools/api_status.h"
#include "tools/container.h"
#include "tools/docker_errors.h"
#include "tools/endings.h"
#include "tools/k3s_log.h"
#include "tools/kubectl_errors.h"
#include "tools/logrus.h"
#include "tools/rke_log.h"

namespace retrust::fuzz {
namespace {

void check_unique(const std::vector<std::string>& words) {
  require(std::set<std::string>(words.begin(), words.end()).size() == words.size(),
          "a log line counts once");
}

void check_lines(std::string_view input) {
  for (const auto& each : split_lines(input)) {
    const auto line = read_log_line(each);
    require(line.level.size() <= each.size() && line.message.str().size() <= each.size(),
            "a log line does not grow");
  }
}

void check_status(const Failure& failure) {
  require(failure.status == ExitStatus::failed || failure.status == ExitStatus::usage ||
              failure.status == ExitStatus::refused || failure.status == ExitStatus::no_answer,
          "a failed command has a documented exit status");
}

}  // namespace

void rke_log(std::string_view input) {
  check_lines(input);
  const auto log = read_snapshot_log(input);
  check_unique(texts_of(log.hosts));
  check_unique(texts_of(log.unreachable));
  check_unique(texts_of(log.warnings));
  if (log.taken == SnapshotLog::Taken::everywhere) {
    require(!log.some_failed && log.unreachable.empty(), "a snapshot everywhere left out no host");
  }
  const std::string name(input.substr(0, input.find('\n')));
  if (is_snapshot_name(name)) {
    require(shell_line({name}) == name && !name.starts_with('-'),
            "a shell takes a snapshot's name for one word");
  }
}

void k3s_log(std::string_view input) {
  check_lines(input);
  const auto log = read_k3s_snapshot_log(input);
  require(log.name.str().find('/') == std::string::npos, "a snapshot's name is no path");
  require(log.path.empty() || log.path.str().ends_with(log.name.str()),
          "the path is the snapshot's");
  const auto [listed, name] = halves(input, "\n\n");
  const auto found = find_snapshot(listed, name);
  require(is_one_line(found.path.str()) && is_one_line(found.size.str()),
          "what is listed is fit to be shown");
}

void container(std::string_view input) {
  const auto inspected = parsed(input);
  if (!inspected) return;
  try {
    const auto found = parse_container(*inspected);
    require(!found.id.empty() && !found.state.empty(), "a container has an ID and a state");
    const auto* mount = found.mount_of(rancher_data);
    require(mount == nullptr || mount->destination.str().size() <= rancher_data.size() + 1 ||
                mount->destination.str().ends_with('/'),
            "a mount is at the folder or above");
    const auto name = version_for_name(found.version);
    require(!name.empty() && name.size() <= 40 && name.find('/') == std::string::npos,
            "a version is fit for a file name");
  } catch (const std::runtime_error& error) {
    require(is_one_line(error.what()), "a failure is one line");
  }
}

/// The first byte is the exit status, the rest standard error.
void command_errors(std::string_view input) {
  if (input.empty()) return;
  Outcome outcome;
  outcome.code = static_cast<unsigned char>(input.front());
  outcome.err = input.substr(1);
  for (const auto ending : {Ending::exited, Ending::signalled, Ending::timed_out,
                            Ending::output_limit, Ending::not_found, Ending::not_executable}) {
    outcome.ending = ending;
    const auto docker = explain_docker(outcome, "docker", "docker cp");
    require(docker.kind == classify_docker(outcome), "docker's failure keeps its kind");
    check_status(docker);
    for (const auto side : {Side::downstream, Side::local}) {
      Asked asked{.side = side, .kubeconfig = "FILE", .program = "kubectl", .command = "kubectl"};
      check_status(explain(outcome, asked));
      asked.container = "rancher";
      check_status(explain(outcome, asked));
    }
  }
  require(own_words(outcome).size() <= most_output + 128, "own words are bounded");
  for (const auto status : {401, 403, 404, 409, 410, 500, 503, 504}) {
    const auto refusal = api_refusal(status, input.substr(1));
    if (!refusal) continue;
    require(refusal->words.starts_with("Error from server (") ||
                refusal->words.starts_with("error: You must be logged in to the server ("),
            "a refusal begins as kubectl prints it");
    const auto kind = refusal->kind;
    require(kind != KubectlError::untrusted && kind != KubectlError::bad_kubeconfig &&
                kind != KubectlError::no_context && kind != KubectlError::no_login,
            "a server says nothing about what the operator has");
  }
}

}  // namespace retrust::fuzz
