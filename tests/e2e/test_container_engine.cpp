// The local cluster through a container of a real docker engine, with a real kubectl in it.
#include <filesystem>
#include <signal.h>

#include <doctest/doctest.h>

#include "engine.h"

namespace retrust::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Rancher's container on the host's network, with a kubectl that finds the local cluster.
class RancherContainer {
 public:
  explicit RancherContainer(Sandbox& sandbox) : engine({"--network", "host", "-e", "HOME=/root"}) {
    const auto kubectl = kubectl_of_version("1.32", sandbox.directory());
    engine.in_container("mkdir -p /root/.kube");
    copy(kubectl, "/bin/kubectl");
    copy(sandbox.file("local.kubeconfig"), "/root/.kube/config");
  }

  Sandbox::Call call(std::vector<std::string> args) const {
    args.insert(args.end(), {"--rancher-container", "rancher"});
    Sandbox::Call made;
    made.args = std::move(args);
    made.without = {"--local-kubeconfig"};
    made.environment = engine.environment();
    return made;
  }
  /// The kubectls that work in it.
  std::string working() const {
    return engine.in_container("ps -o args | grep '[k]ubectl' || true");
  }

  const Engine engine;

 private:
  void copy(const std::string& file, const std::string& to) const {
    REQUIRE(engine.docker({"cp", file, "rancher:" + to}).status == 0);
  }
};

TEST_CASE("the local cluster is spoken to through a real container, and nothing is left in it") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const RancherContainer container(sandbox);
  const auto run = sandbox.retrust(container.call({"run", "--yes", "--timeout", "5s"}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  CHECK(has(run.out, "docker exec -i rancher kubectl replace --validate=false -f - -o name"));
  CHECK(has(run.out, "saved Rancher's data as"));
  CHECK(container.engine.left_behind().empty());
  wait_until("no kubectl works in the container", [&] { return container.working().empty(); });
}

TEST_CASE("Ctrl-C ends the watch in a real container, too") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const RancherContainer container(sandbox);
  const auto child = sandbox.start(container.call({"run", "--yes", "--timeout", "50s"}));
  wait_until("the watch works", [&] { return has(container.working(), " -w "); });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  wait_until("no kubectl works in the container", [&] { return container.working().empty(); });
}

TEST_CASE("a real container is restarted, and answers again") {
  Sandbox sandbox({"--rancher", "2.1"});
  REQUIRE(
      sandbox.kubectl("local", {"-n", "cattle-system", "delete", "deployment", "rancher"}).status ==
      0);
  const RancherContainer container(sandbox);
  const auto started = [&] {
    return container.engine.docker({"inspect", "--format", "{{.State.StartedAt}}", "rancher"}).out;
  };
  const auto before = started();
  const auto run =
      sandbox.retrust(container.call({"run", "--yes", "--timeout", "30s", "--no-rancher-backup"}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "docker restart rancher"));
  CHECK(started() != before);
}

TEST_CASE("a container that is not Rancher's has no way to its cluster") {
  Sandbox sandbox;
  const Engine engine;
  auto call = Sandbox::Call{.args = {"status", "--rancher-container", "rancher"},
                            .environment = engine.environment()};
  call.without = {"--local-kubeconfig"};
  const auto none = sandbox.retrust(call);
  CAPTURE(none.all());
  CHECK(none.status == 4);
  CHECK(has(none.err, "there is no kubectl in the container rancher"));
  call.args.back() = "ranger";
  const auto unknown = sandbox.retrust(call);
  CHECK(unknown.status == 4);
  CHECK(has(unknown.err, "there is no such container"));
  REQUIRE(engine.docker({"stop", "rancher"}).status == 0);
  call.args.back() = "rancher";
  const auto stopped = sandbox.retrust(call);
  CAPTURE(stopped.all());
  CHECK(stopped.status == 6);
  CHECK(has(stopped.err, "the container is not running"));
}

}  // namespace
}  // namespace retrust::e2e
