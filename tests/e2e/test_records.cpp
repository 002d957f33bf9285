// Records of Rancher's that are unlike what its version writes.
#include <fstream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json::value cluster(Sandbox& sandbox) {
  return sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
}

void write(Sandbox& sandbox, const std::string& side, const json::value& object,
           const std::string& verb = "replace") {
  const auto path = sandbox.directory() / "object.json";
  std::ofstream(path) << json::serialize(object);
  const auto done = sandbox.kubectl(side, {verb, "--validate=false", "-f", path.string()});
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
}

TEST_CASE("a Rancher that was rolled back reads the plain field, not the Secret that is named") {
  for (const std::string version : {"2.5.15", "2.6.6"}) {
    CAPTURE(version);
    Sandbox sandbox({"--rancher", version, "--kubernetes", "1.23", "--scenario", "healthy",
                     "--fault", "agents-never-report"});
    auto resource = cluster(sandbox);
    auto secret = json::parse(R"({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "cluster-serviceaccounttoken-h7k2x",
                     "namespace": "cattle-global-data"}})");
    secret.as_object()["data"].emplace_object()["credential"] =
        base64_encode(text(resource, "/status/serviceAccountToken"));
    write(sandbox, "local", secret, "create");
    auto& status = resource.at("status").as_object();
    status["serviceAccountToken"] = "";
    status["serviceAccountTokenSecret"] = "cluster-serviceaccounttoken-h7k2x";
    resource.at("metadata").as_object().erase("resourceVersion");
    write(sandbox, "local", resource);

    const auto looked = sandbox.retrust({"status"});
    CAPTURE(looked.all());
    CHECK(looked.status == 3);
    CHECK(has(looked.out, "does not read"));
    const auto run = sandbox.run({"--timeout", "3s"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK_FALSE(text(cluster(sandbox), "/status/serviceAccountToken").empty());
    const auto back =
        sandbox.retrust({"rollback", sandbox.run_folder().string(), "--yes", "--overwrite"});
    CAPTURE(back.all());
    CHECK(back.status == 0);
    CHECK(text(cluster(sandbox), "/status/serviceAccountToken").empty());
  }
}

TEST_CASE("a clusters resource that is being deleted is not repaired") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  auto resource = cluster(sandbox);
  auto& metadata = resource.at("metadata").as_object();
  metadata["deletionTimestamp"] = "2026-11-26T03:00:00Z";
  metadata["finalizers"] = json::array{"controller.cattle.io/cluster-agent-controller-cleanup"};
  metadata.erase("resourceVersion");
  write(sandbox, "local", resource);
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(has(status.out, "is being deleted by Rancher since 2026-11-26 03:00 UTC"));
  const auto before = sandbox.changes().size();
  for (const auto& command : {sandbox.retrust({"plan"}), sandbox.run()}) {
    CAPTURE(command.all());
    CHECK(command.status == 4);
    CHECK(has(command.err, "being deleted by Rancher"));
  }
  CHECK(sandbox.changes().size() == before);
}

TEST_CASE("a deployment of the agents that Rancher could not do is told") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy"});
  auto resource = cluster(sandbox);
  resource.at("status").as_object()["conditions"].as_array().push_back(
      json::object{{"type", "AgentDeployed"}, {"status", "False"}, {"message", "Unauthorized"}});
  resource.at("metadata").as_object().erase("resourceVersion");
  write(sandbox, "local", resource);
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(has(status.out, "Rancher could not deploy its agents: Unauthorized"));
}

TEST_CASE("Rancher's own cluster is told apart") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  for (const std::string command : {"status", "plan"}) {
    const auto refused = sandbox.retrust({.args = {command}, .cluster = "local"});
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, "the cluster that Rancher itself runs in"));
    CHECK(has(refused.err, " --kubeconfig=" + sandbox.file("local.kubeconfig")));
    CHECK(has(refused.err, "-n cattle-system rollout restart deployment/rancher"));
  }
}

TEST_CASE("a first listed secret that is gone is told, and mended, on every Kubernetes") {
  for (const std::string kubernetes : {"1.20", "1.23", "1.24"}) {
    for (const std::string version : {"2.5.8", "2.6.6"}) {
      CAPTURE(kubernetes);
      CAPTURE(version);
      Sandbox sandbox({"--rancher", version, "--kubernetes", kubernetes});
      auto account = sandbox.get("downstream", {"serviceaccount", "-n", "cattle-system", "cattle"});
      json::object gone;
      gone["name"] = "cattle-token-dm7wn";
      auto& listed = account.as_object()["secrets"];
      if (!listed.is_array()) listed.emplace_array();
      listed.get_array().insert(listed.get_array().begin(), std::move(gone));
      account.at("metadata").as_object().erase("resourceVersion");
      write(sandbox, "downstream", account);
      const auto status = sandbox.retrust({"status"});
      CAPTURE(status.all());
      CHECK(status.status == 3);
      CHECK(has(status.out, "cattle-token-dm7wn"));
      const auto run = sandbox.run();
      CAPTURE(run.all());
      CHECK(run.status == 0);
      CHECK(sandbox.ready() == "True");
      CHECK(sandbox.retrust({"status"}).status == 0);
    }
  }
}

TEST_CASE("an agent that crashes is told, and no agent is said to run well") {
  Sandbox sandbox({"--rancher", "2.6.6", "--kubernetes", "1.23", "--scenario", "healthy"});
  auto account = sandbox.get("downstream", {"serviceaccount", "-n", "cattle-system", "cattle"});
  account.as_object()["secrets"] = json::array{json::object{{"name", "cattle-token-dm7wn"}}};
  account.at("metadata").as_object().erase("resourceVersion");
  write(sandbox, "downstream", account);
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
  constexpr int most_looks = 40;
  Result plan;
  for (int i = 0; i < most_looks && !has(plan.out, "does not run: CrashLoopBackOff"); ++i) {
    plan = sandbox.retrust({"plan"});
  }
  CAPTURE(plan.all());
  CHECK(has(plan.out, "does not run: CrashLoopBackOff"));
  CHECK_FALSE(has(plan.out, "the agents run with the present token secret"));
}

TEST_CASE("a token that Kubernetes rejects as unused keeps its secret, and the mark can go") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system", "-l",
                                               "cattle.io/service-account.name=cattle"});
  const auto name = text(list, "/items/0/metadata/name");
  CHECK(sandbox
            .kubectl("downstream", {"label", "secret", "-n", "cattle-system", name,
                                    "kubernetes.io/legacy-token-invalid-since=2026-11-20"})
            .status == 0);
  const auto status = sandbox.retrust({"status"});
  CHECK(has(status.out, "as unused since 2026-11-20"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "kubernetes.io/legacy-token-invalid-since-"));
}

}  // namespace
}  // namespace retrust::e2e
