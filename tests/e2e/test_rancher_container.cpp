// Rancher in a single container as the way to its cluster, and its restart (section 3.1). docker is
// played by the script `docker` beside this file; kubectl is the real one.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <signal.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two clusters, the local one in a container of that manner.
class Container {
 public:
  explicit Container(Sandbox& sandbox, std::string manner = "")
      : sandbox_(sandbox), folder_(sandbox.directory() / "docker"), manner_(std::move(manner)) {
    fs::create_directories(folder_);
    kubeconfig = sandbox.file("local.kubeconfig");
  }

  std::string kubeconfig;  ///< of the kubectl in it
  std::string started;     ///< when the container was; by default long ago

  Sandbox::Call call(std::vector<std::string> args) const {
    args.insert(args.end(),
                {"--rancher-container", "rancher", "--docker", std::getenv("RETRUST_TEST_DOCKER")});
    Sandbox::Call made;
    made.args = std::move(args);
    made.without = {"--local-kubeconfig"};
    made.environment = {{"RETRUST_TEST_DOCKER_FOLDER", folder_.string()},
                        {"RETRUST_TEST_DOCKER_KUBECONFIG", kubeconfig},
                        {"RETRUST_TEST_DOCKER_MANNER", manner_}};
    if (!started.empty()) made.environment["RETRUST_TEST_DOCKER_STARTED"] = started;
    return made;
  }
  Sandbox::Call run(std::vector<std::string> more = {}, const std::string& timeout = "30s") const {
    more.insert(more.begin(), {"run", "--yes", "--timeout", timeout});
    return call(std::move(more));
  }
  fs::path file(const std::string& name) const { return folder_ / name; }
  std::string log() const { return read_file(file("log")); }

  /// Processes in it that still work.
  int left() const {
    int found = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      if (has(read_file(entry.path() / "environ"), "RETRUST_MARK=") &&
          has(read_file(entry.path() / "cmdline"), "--kubeconfig=" + kubeconfig)) {
        ++found;
      }
    }
    return found;
  }
  void check_nothing_left() const {
    wait_until("nothing is left in the container", [this] { return left() == 0; });
  }

 private:
  Sandbox& sandbox_;
  fs::path folder_;
  std::string manner_;
};

TEST_CASE("the container alone is enough: its kubectl speaks to the local cluster") {
  std::vector<std::string> options;
  std::string manner;
  SUBCASE("agents that report") {}
  SUBCASE("agents that do not: a repair") {
    options = {"--fault", "agents-never-report"};
  }
  SUBCASE("kubectl 1.10") {
    manner = "old";
  }
  SUBCASE("kubectl 1.10, and a repair") {
    manner = "old";
    options = {"--fault", "agents-never-report"};
  }
  Sandbox sandbox(options);
  const Container container(sandbox, manner);
  const auto plan = sandbox.retrust(container.call({"plan"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  const auto run = sandbox.retrust(container.run({"--verbose"}, options.empty() ? "30s" : "2s"));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  container.check_nothing_left();
  const auto transcript = transcripts(sandbox.run_folder());
  CHECK_FALSE(has(transcript, sandbox.file("local.kubeconfig")));
  const std::string events = manner == "old" ? "" : "--output-watch-events ";
  const std::string docker = std::getenv("RETRUST_TEST_DOCKER");
  const auto watch = docker +
                     " exec -i rancher kubectl get clusters.management.cattle.io "
                     "--field-selector=metadata.name=c-x7k2p -w " +
                     events + "-o json";
  const auto replace = docker + " exec -i rancher kubectl replace --validate=false -f - -o name";
  // What is planned is what is run.
  CHECK(has(plan.out, watch));
  CHECK(has(run.out, watch));
  CHECK(has(plan.out, replace));
  CHECK(has(run.out, "$ " + replace) == !options.empty());
  // In the container there is nothing to back up, its data being on the host.
  CHECK(has(run.out, "1.1  backup-container      not needed  the data lie on the host"));
}

TEST_CASE("which backup is wanted stays a choice of its own") {
  Sandbox sandbox;
  const Container container(sandbox);
  const auto run = sandbox.retrust(container.run({"--no-rancher-backup"}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out,
            "1.1  backup-container      waived      waived by the operator (--no-rancher-backup)"));
  const auto step = sandbox.retrust(container.call({"step", "1.1", "--no-rancher-backup"}));
  CHECK(step.status == 2);
  CHECK(has(step.err, "step backup-container needs a container"));
  auto nowhere = container.call({"status"});
  nowhere.args = {"status"};
  const auto status = sandbox.retrust(nowhere);
  CHECK(status.status == 2);
  CHECK(has(status.err, "--local-kubeconfig is required"));
  CHECK(has(status.err, "--rancher-container NAME"));
}

TEST_CASE("status and rollback go through the container too, and leave nothing in it") {
  Sandbox sandbox;
  const Container container(sandbox);
  const auto before = sandbox.retrust(container.call({"status"}));
  CAPTURE(before.all());
  CHECK(before.status == 3);
  REQUIRE(sandbox.retrust(container.run()).status == 0);
  const auto folder = sandbox.run_folder().string();
  const auto back = sandbox.retrust(container.call({"rollback", folder, "--yes"}));
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(has(back.out, "Rancher has stored again what was saved"));
  container.check_nothing_left();
}

TEST_CASE("a container and a kubeconfig are of the same cluster, or that is refused") {
  Sandbox sandbox;
  Container container(sandbox);
  auto call = container.run();
  SUBCASE("the same") {
    call.without = {};
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(run.err.empty());
    CHECK(has(container.log(), "kubectl get namespace/kube-system -o json"));
  }
  SUBCASE("another") {
    container.kubeconfig = sandbox.file("downstream.kubeconfig");
    for (const auto& args : {std::vector<std::string>{"status"}, std::vector<std::string>{"plan"},
                             std::vector<std::string>{"run", "--yes"}}) {
      call = container.call(args);
      call.without = {};
      const auto refused = sandbox.retrust(call);
      CAPTURE(refused.all());
      CHECK(refused.status == 4);
      CHECK(has(refused.err, "is not of the cluster in the container rancher"));
    }
    CHECK(sandbox.changes().empty());
  }
  SUBCASE("one that cannot say: a warning") {
    const Container silent(sandbox, "no-kubectl");
    call = silent.run();
    call.without = {};
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.err, "cannot tell whether the local cluster is the one in the container"));
  }
}

TEST_CASE("the secrets of the kubeconfig in the container are hidden, too") {
  // No secret's shape tells it; a server that sends it back would show it.
  const std::string token = "opaque-zq8vcd2kfj7w5x9rht4b6n";
  Sandbox sandbox;
  Container container(sandbox);
  auto config = boost::json::parse(read_file(container.kubeconfig));
  auto user = config.at("users").at(0);
  user.at("name") = "other";
  user.at("user") = {{"token", token}};
  config.at("users").as_array().push_back(user);
  // What nobody uses need not be there.
  auto cluster = config.at("clusters").at(0);
  cluster.at("name") = "other";
  cluster.at("cluster") = {{"server", "https://other"}, {"certificate-authority", "/nowhere/ca"}};
  config.at("clusters").as_array().push_back(cluster);
  container.kubeconfig = (sandbox.directory() / "in-the-container").string();
  write_file(container.kubeconfig, boost::json::serialize(config));
  const auto kubectl = sandbox.directory() / "echoing-kubectl";
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(kubectl, "#!/bin/sh\ncase \" $* \" in *' get '*) echo 'error: you sent " + token +
                          "' >&2; exit 1 ;; esac\nexec '" + (real == nullptr ? "kubectl" : real) +
                          "' \"$@\"\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  auto call = container.run({"--verbose"});
  call.environment["RETRUST_TEST_KUBECTL"] = kubectl.string();
  SUBCASE("as the only way to the local cluster") {}
  SUBCASE("beside a kubeconfig of the same cluster") {
    call.without = {};
  }
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(has(run.err, "you sent"));
  CHECK_FALSE(has(run.all(), token));
  CHECK_FALSE(has(transcripts(sandbox.run_folder()), token));
}

TEST_CASE(
    "what is wrong with docker or the container is said in its words, and nothing is changed") {
  Sandbox sandbox;
  std::string manner;
  std::string said;
  std::vector<std::string> more;
  auto kubeconfig = sandbox.file("local.kubeconfig");
  int status = 4;
  SUBCASE("no such container") {
    more = {"--rancher-container", "ranger"};
    said = "there is no such container";
  }
  SUBCASE("stopped") {
    manner = "stopped";
    said = "the container is not running";
    status = 6;
  }
  SUBCASE("no engine") {
    manner = "no-engine";
    said = "no container engine answers";
  }
  SUBCASE("no kubectl in it") {
    manner = "no-kubectl";
    said = "there is no kubectl in the container rancher";
  }
  SUBCASE("a kubectl that knows no cluster") {
    kubeconfig = (sandbox.directory() / "empty").string();
    write_file(kubeconfig, "");
    said = "kubectl in the container rancher has no cluster to speak to";
  }
  SUBCASE("no docker") {
    more = {"--docker", "/nowhere/docker"};
    said = "cannot run /nowhere/docker";
    status = 2;
  }
  Container container(sandbox, manner);
  container.kubeconfig = kubeconfig;
  auto call = container.run();
  for (std::size_t i = 0; i < more.size(); i += 2) {
    const auto option = std::find(call.args.begin(), call.args.end(), more[i]);
    *std::next(option) = more[i + 1];
  }
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == status);
  CHECK(has(run.err, said));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("Ctrl-C ends what works in the container, too") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const Container container(sandbox);
  const auto child = sandbox.start(container.run());
  wait_until("the clusters resource is watched", [&] { return has(container.log(), " -w "); });
  wait_until("by a kubectl in the container", [&] { return container.left() > 0; });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  container.check_nothing_left();
}

TEST_CASE("a watch in the container ends by itself after a SIGKILL to retrust") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const Container container(sandbox);
  const auto run = sandbox.start(container.run());
  wait_until("a watch runs in the container",
             [&] { return has(container.log(), " -w ") && container.left() > 0; });
  run->signal(SIGKILL);
  CHECK(run->wait() == 128 + SIGKILL);
  container.check_nothing_left();
}

/// Rancher 2.1 in a container: no Deployment in its cluster.
std::vector<std::string> old_rancher() {
  return {"--rancher", "2.1"};
}
void without_deployment(Sandbox& sandbox) {
  REQUIRE(
      sandbox.kubectl("local", {"-n", "cattle-system", "delete", "deployment", "rancher"}).status ==
      0);
}

TEST_CASE("Rancher 2.1 in a container is restarted, after the change, and waited for") {
  Sandbox sandbox(old_rancher());
  without_deployment(sandbox);
  const Container container(sandbox);
  const auto plan = sandbox.retrust(container.call({"plan"}));
  CAPTURE(plan.all());
  CHECK(has(plan.out, "3.1  restart-rancher       needed"));
  CHECK(has(plan.out,
            std::string("       ") + std::getenv("RETRUST_TEST_DOCKER") + " restart rancher\n"));
  CHECK_FALSE(has(container.log(), "restart rancher"));

  write_file(container.file("hold"), "");
  const auto child = sandbox.start(container.run());
  wait_until("the container is restarted",
             [&] { return fs::exists(container.file("restarting")); });
  sandbox.tell("restart local");
  fs::remove(container.file("hold"));
  CHECK(child->wait() == 0);
  CAPTURE(child->out() + child->err());
  CHECK(sandbox.ready() == "True");
  CHECK(has(child->out(), "Rancher and its cluster answer again"));
  const auto transcript = document_words(sandbox.run_folder());
  const auto change = transcript.find("restarting the container rancher");
  REQUIRE(change != std::string::npos);
  CHECK(transcript.find("docker restart rancher", change) != std::string::npos);
  CHECK(transcript.find("Rancher has stored the live token and CA") < change);
  container.check_nothing_left();
}

TEST_CASE("a Rancher that does not come back: 5") {
  Sandbox sandbox(old_rancher());
  without_deployment(sandbox);
  std::string manner;
  SUBCASE("its container does not") {
    manner = "dies";
  }
  SUBCASE("its cluster does, its server does not") {
    manner = "silent";
  }
  const Container container(sandbox, manner);
  const auto run = sandbox.retrust(container.run({}, "3s"));
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "did not answer within"));
  CHECK(has(run.err, "docker logs"));
}

TEST_CASE("a restart that is not needed, or whose container is not known to be Rancher's") {
  auto options = old_rancher();
  std::string manner;
  std::string reason;
  SUBCASE("started after the credentials were made") {
    options.insert(options.end(), {"--scenario", "healthy"});
    reason = "was started after the live credentials were made";
  }
  SUBCASE("nothing shows which cluster is in it") {
    manner = "no-kubectl";
    reason = "nothing shows that it is the container that was named";
  }
  SUBCASE("there is a Deployment") {
    reason = "keeps the old CA and token";
  }
  Sandbox sandbox(options);
  if (!has(reason, "keeps")) without_deployment(sandbox);
  Container container(sandbox, manner);
  container.started = "2099-01-01T00:00:00Z";
  auto call = container.run();
  if (!manner.empty()) call.without = {};
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, reason));
  CHECK_FALSE(has(container.log(), "restart rancher"));
}

}  // namespace
}  // namespace retrust::e2e
