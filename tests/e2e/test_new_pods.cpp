// Agents that do not run, and clusters in which no new pod would start.
#include <fstream>

#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::vector<std::string> rancher{"--rancher", "2.12", "--kubernetes", "1.30"};

std::vector<std::string> with(std::vector<std::string> more) {
  more.insert(more.begin(), rancher.begin(), rancher.end());
  return more;
}

TEST_CASE("where new pods get no network, the agents stay") {
  for (const std::string scenario : {"renewed", "key-only"}) {
    CAPTURE(scenario);
    Sandbox sandbox(with({"--scenario", scenario, "--fault", "others-start=unauthorized"}));
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(status.out, "new pods get no network on node-1: default/web-0 failed at"));
    const auto before = sandbox.changes().size();
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, "connection is unauthorized"));
    CHECK(has(run.err, "restart the network plugin"));
    CHECK(has(run.err, "get daemonsets.apps --all-namespaces"));
    CHECK(sandbox.changes().size() == before);
    const auto allowed = sandbox.run({"--allow-agent-loss"});
    CAPTURE(allowed.all());
    CHECK(allowed.status == 0);
  }
}

TEST_CASE("a network plugin that is older than the renewal is a warning, and is named") {
  Sandbox sandbox(with({"--workloads", "1"}));
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(
      has(plan.out, "started before the renewal: where its token is rejected, no new pod starts"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  Sandbox broken(with({"--workloads", "1", "--fault", "others-start=unauthorized"}));
  const auto refused = broken.run();
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.err, "rollout restart daemonset"));
}

TEST_CASE("a pod that got no network an hour ago is no evidence") {
  Sandbox sandbox(with({"--fault", "others-start=unauthorized-before"}));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("trouble of the network plugin makes no healthy cluster unhealthy") {
  Sandbox sandbox(with({"--scenario", "healthy", "--fault", "others-start=unauthorized"}));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(sandbox.retrust({"status"}).out, "new pods get no network"));
}

TEST_CASE("where no node takes new pods, the agents stay") {
  for (const std::string node : {"not-ready", "cordoned"}) {
    CAPTURE(node);
    Sandbox sandbox(with({"--fault", "node=" + node}));
    const auto before = sandbox.changes().size();
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, node == "cordoned" ? "node-1 is cordoned" : "cni config uninitialized"));
    CHECK(has(run.err, "get nodes"));
    CHECK(sandbox.changes().size() == before);
  }
}

TEST_CASE("whoever may read neither events nor nodes repairs all the same") {
  Sandbox sandbox(
      with({"--fault", "others-start=unauthorized", "--fault", "forbidden=events,nodes"}));
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(has(status.out, "whether new pods start is unknown: "));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("new agents that get no network end the run with the reason, and the next run finishes") {
  Sandbox sandbox(with({"--fault", "new-pods=unauthorized"}));
  const auto run = sandbox.run({"--timeout", "2m"});
  CAPTURE(run.all());
  CHECK(run.status == 1);
  CHECK(has(run.err, "the new agents do not start: new pods get no network on node-1"));
  CHECK(has(run.err, "connection is unauthorized"));
  sandbox.tell("mend new-pods");
  const auto next = sandbox.run();
  CAPTURE(next.all());
  CHECK(next.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("a reason that lasts ends the wait for new agents at once") {
  struct Scenario {
    std::string fault;
    std::string reason;
    std::string command;
  };
  for (const auto& each :
       std::vector<Scenario>{{"image", "Back-off pulling image", " describe pod"},
                             {"config",
                              "CreateContainerConfigError (couldn't "
                              "find key url",
                              " describe pod"},
                             {"crash", "CrashLoopBackOff", " logs --previous"},
                             {"wrong-ca", "CATTLE_CA_CHECKSUM", " logs --previous"}}) {
    CAPTURE(each.fault);
    Sandbox sandbox(with({"--fault", "new-pods=" + each.fault}));
    const auto image = each.fault == "image";
    const auto run = sandbox.run({"--timeout", image ? "8s" : "10m"});
    CAPTURE(run.all());
    CHECK(run.status == 5);
    CHECK(has(run.err, each.reason));
    CHECK(has(run.err, each.command));
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(has(status.out, "does not run: " + each.reason.substr(0, each.reason.find(' '))) !=
          (image || each.fault == "wrong-ca"));
    CHECK(has(status.out, each.reason));
    CHECK(has(status.out, "see why"));
    CHECK(has(sandbox.retrust({"status", "-o", "json"}).out, each.reason.substr(0, 12)));
  }
}

TEST_CASE("the agent that runs stays where another one does not start") {
  Sandbox sandbox(with({"--agent-replicas", "2", "--fault", "new-pods=image"}));
  const auto list =
      sandbox.get("downstream", {"pods", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"});
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", text(list, "/items/0/metadata/name")})
            .status == 0);
  wait_until("an agent does not start", [&] {
    return has(sandbox.kubectl("downstream", {"get", "pods", "-n", "cattle-system"}).out, "Pull");
  });
  const auto before = sandbox.changes().size();
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "Back-off pulling image"));
  CHECK(has(run.err, "--allow-agent-loss"));
  CHECK(sandbox.changes().size() == before);
}

TEST_CASE("the only token secret stays where no agent starts to make another") {
  Sandbox sandbox(with({}));
  const auto run = sandbox.run({"--skip", "2.2"});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "--skip 2.1,2.2"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("Rancher does not deploy agents that would not start") {
  for (const std::string fault : {"others-start=unauthorized", "node=not-ready"}) {
    CAPTURE(fault);
    Sandbox sandbox(with({"--fault", "registration=dead", "--fault", fault}));
    const auto run = sandbox.run({"--repair-impersonation"});
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, "--allow-agent-loss"));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("trouble of other pods does not end the wait for new agents") {
  Sandbox sandbox(with({"--fault", "linger-old-agent=4000"}));
  const auto run =
      sandbox.start({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "16s"}});
  wait_until("the agents are deleted", [&] {
    const auto changes = sandbox.changes();
    return !changes.empty() && has(changes.back(), "pods");
  });
  const auto create = [&](const std::string& object) {
    const auto path = sandbox.directory() / "object.json";
    std::ofstream(path) << object;
    const auto made =
        sandbox.kubectl("downstream", {"create", "--validate=false", "-f", path.string()});
    CAPTURE(made.err);
    CHECK(made.status == 0);
  };
  create(R"({"apiVersion": "v1", "kind": "Pod",
      "metadata": {"name": "kube-api-auth-x7k2p", "namespace": "cattle-system",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "kube-api-auth",
                             "uid": "1"}]},
      "spec": {"serviceAccountName": "cattle", "containers": [{"name": "main"}]},
      "status": {"phase": "Pending", "containerStatuses": [{"name": "main", "ready": false,
        "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}})");
  create(R"({"apiVersion": "v1", "kind": "Event", "type": "Warning",
      "metadata": {"name": "helm-operation-7xk2p.17d3", "namespace": "cattle-system"},
      "involvedObject": {"kind": "Pod", "namespace": "cattle-system", "uid": "2",
                         "name": "helm-operation-7xk2p"},
      "reason": "FailedCreatePodSandBox", "message": "failed (add): Unauthorized",
      "lastTimestamp": "2099-01-01T00:00:00Z"})");
  const auto status = run->wait();
  CAPTURE(run->out());
  CAPTURE(run->err());
  CHECK(status == 0);
}

TEST_CASE("an agent that no node takes is told with the scheduler's words") {
  Sandbox sandbox(with({"--fault", "new-pods=unscheduled"}));
  const auto run = sandbox.run({"--timeout", "3s"});
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "no node takes it: 0/1 nodes are available"));
}

}  // namespace
}  // namespace retrust::e2e
