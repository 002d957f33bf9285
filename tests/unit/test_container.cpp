// What is read from a container and its kubectl.
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "tools/container.h"
#include "tools/docker_errors.h"
#include "tools/kubectl.h"
#include "tools/kubectl_errors.h"

using namespace std::chrono_literals;

namespace retrust {
namespace {

Outcome ended(int code, std::string err) {
  Outcome outcome;
  outcome.code = code;
  outcome.err = std::move(err);
  return outcome;
}

TEST_CASE("when a container was started, as docker and podman write it") {
  constexpr std::chrono::sys_seconds moment{1'764'044'400s};  // 2025-11-25T04:20:00Z
  CHECK(parse_moment("2025-11-25T04:20:00Z") == moment);
  CHECK(parse_moment("2025-11-25T04:20:00.123456789Z") == moment);
  CHECK(parse_moment("2025-11-25T05:20:00.123456789+01:00") == moment);
  CHECK(parse_moment("2025-11-24T23:50:00-04:30") == moment);
  for (const auto* text :
       {"", "yesterday", "2025-11-25", "2025-11-25T04:20:00", "2025-11-25T04:20:00 CET",
        "2025-11-25T04:20:00+1", "2025-11-25T04:20:00+-1:-9"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_moment(text));
  }
}

TEST_CASE("what docker shows of a container is fit to be shown when it is read") {
  const auto found = parse_container(boost::json::parse(R"([{"Id": "1\u001b[2J",
      "Name": "/rancher\nDone.", "Config": {"Image": "rancher/rancher:v2.4.17\u202e"},
      "State": {"Status": "running\t\u0007"},
      "Mounts": [{"Type": "bind", "Source": "/opt\n/rancher", "Destination": "/var/lib"}]}])"));
  CHECK(found.id == "1?[2J");
  CHECK(found.name == "rancher Done.");
  CHECK(found.image == "rancher/rancher:v2.4.17?");
  CHECK(found.state == "running ?");
  CHECK(found.mounts.at(0).source == "/opt /rancher");
}

TEST_CASE("what du and df print, and what else may stand there") {
  CHECK(parse_du("20480\t/var/lib/rancher\n") == 20480U);
  CHECK(parse_du("4\t/var/lib/rancher/a\n24\t/var/lib/rancher\n\n \n") == 24U);
  for (const auto* text : {"", "\n", " \n\n", "\t/var/lib/rancher", "-4 /var/lib/rancher",
                           "4K /var/lib/rancher", "18446744073709551616 /var/lib/rancher"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_du(text));
  }
  const std::string head = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
  CHECK(parse_df(head + "overlay 1000 300 700 30% /\n\n") == 700U);
  for (const std::string text :
       {"", "\n", "overlay\n", "overlay 1000 300 700\n", "overlay 1000 300 many 30% /\n",
        "overlay 1 2 99999999999999999999 30% /"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_df(text));
    CHECK_FALSE(parse_df(head));
  }
}

TEST_CASE("how old a kubectl is") {
  const auto age = [](std::string_view text) { return age_of(boost::json::parse(text)); };
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"10"}})") == KubectlAge::before_1_16);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"11"}})") == KubectlAge::before_1_16);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"15+"}})") == KubectlAge::before_1_16);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"16"}})") == KubectlAge::before_1_24);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"23"}})") == KubectlAge::before_1_24);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"24"}})") == KubectlAge::present);
  CHECK(age(R"({"clientVersion":{"major":"1","minor":"35"}})") == KubectlAge::present);
  CHECK(age(R"({"clientVersion":{}})") == KubectlAge::present);
  CHECK(age("[]") == KubectlAge::present);
}

TEST_CASE("the arguments that an old kubectl is given") {
  using Words = std::vector<std::string>;
  CHECK(Kubectl::watch_args(Arguments{"pods"}, KubectlAge::before_1_16).list() ==
        Words{"get", "pods", "-w", "-o", "json"});
  CHECK(Kubectl::watch_args(Arguments{"pods"}).list() ==
        Words{"get", "pods", "-w", "--output-watch-events", "-o", "json"});
  // Before 1.11 `replace -o json` is an error.
  CHECK(Kubectl::replace_args().list().back() == "name");
}

TEST_CASE("docker's own words are told from those of kubectl in the container") {
  CHECK(docker_itself(ended(1, "Error response from daemon: No such container: x\n")) ==
        DockerError::no_such_container);
  CHECK(docker_itself(ended(1,
                            "Error response from daemon: Container 0123 is restarting, wait "
                            "until the container is running\n")) == DockerError::not_running);
  CHECK(docker_itself(ended(127, "OCI runtime exec failed: exec failed\n")) ==
        DockerError::no_program);
  // Before docker 29, and since.
  for (const std::string many : {"Multiple", "multiple"}) {
    CAPTURE(many);
    CHECK(docker_itself(ended(
              1, "Error response from daemon: " + many + " IDs found with provided prefix: 1\n")) ==
          DockerError::ambiguous);
  }
  for (const auto* words :
       {"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
        "running?\n",
        "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is "
        "correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such "
        "file or directory\n"}) {
    CAPTURE(words);
    CHECK(docker_itself(ended(1, words)) == DockerError::no_engine);
  }
  CHECK(docker_itself(ended(1,
                            "permission denied while trying to connect to the docker API at "
                            "unix:///var/run/docker.sock\n")) == DockerError::no_permission);
  CHECK(docker_itself(ended(125,
                            "Error: can only create exec sessions on running containers: "
                            "container state improper\n")) == DockerError::not_running);
  for (const auto* words :
       {"error: unable to upgrade connection: container not found (\"x\")\n",
        "Error from server (NotFound): pods \"x\" not found: no such container\n",
        "Error: unknown flag: --output-watch-events\n", "", "permission denied\n"}) {
    CAPTURE(words);
    CHECK_FALSE(docker_itself(ended(1, words)));
  }
  CHECK_FALSE(docker_itself(ended(0, "Error response from daemon: x\n")));
}

TEST_CASE("a kubectl in a container that fails: what it was about") {
  const Asked asked{Side::local, "container rancher", "docker", "kubectl get secrets", "rancher"};
  const auto of = [&](int code, const std::string& err) {
    return explain(ended(code, err), asked);
  };
  const auto starting = of(1, "Error response from daemon: Container 1 is not running\n");
  CHECK(starting.kind == KubectlError::unreachable);
  CHECK(starting.code == FailureCode::unreachable);
  CHECK(starting.status == ExitStatus::no_answer);
  CHECK(of(137, "").kind == KubectlError::unreachable);
  const auto none = of(1,
                       "The connection to the server localhost:8080 was refused - did you "
                       "specify the right host or port?\n");
  CHECK(none.kind == KubectlError::bad_kubeconfig);
  CHECK(none.status == ExitStatus::refused);
  CHECK(none.advice.sentence.find("--local-kubeconfig") != std::string::npos);
  // What a server says is not docker's word.
  CHECK(of(1,
           "Error from server (NotFound): x\nError response from daemon: No such container: "
           "rancher\n")
            .kind == KubectlError::not_found);
  // The rest is what it would be anywhere.
  CHECK(of(1, "Error from server (Forbidden): no\n").kind == KubectlError::forbidden);
  CHECK(of(1, "Error from server (Conflict): no\n").kind == KubectlError::conflict);
}

}  // namespace
}  // namespace retrust
