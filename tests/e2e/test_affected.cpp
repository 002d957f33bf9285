// What is not Rancher's and still uses the old CA: it is told, with commands, and left alone.
#include <algorithm>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;
using Lines = std::vector<std::string>;

const Lines present{"--rancher", "2.12", "--kubernetes", "1.30"};

Lines with(Lines more, Lines begin = present) {
  begin.insert(begin.end(), more.begin(), more.end());
  return begin;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The commands that restart or describe something, in their order.
Lines commands(const std::string& text) {
  Lines found;
  for (const auto& line : lines_of(text)) {
    const auto begin = line.find(": kubectl ");
    if (begin == std::string::npos) continue;
    if (has(line, " rollout restart ") || has(line, " describe apiservice")) {
      found.push_back(line.substr(begin + 2));
    }
  }
  return found;
}

json::value affected(Sandbox& sandbox, const Lines& more = {}) {
  auto args = with(more, {"status", "-o", "json"});
  const auto status = sandbox.retrust(args);
  return json::parse(status.out).at("affected");
}

void write(Sandbox& sandbox, const std::string& side, json::value object) {
  object.at("metadata").as_object().erase("resourceVersion");
  const auto path = sandbox.directory() / "object.json";
  std::ofstream(path) << json::serialize(object);
  const auto done = sandbox.kubectl(side, {"replace", "--validate=false", "-f", path.string()});
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
}

/// As a rollout does: the containers of these pods are new.
void restart_pods(Sandbox& sandbox, const std::string& name_space, const std::string& app) {
  const auto pods = sandbox.get("downstream", {"pods", "-n", name_space, "-l", "app=" + app});
  REQUIRE_FALSE(pods.at("items").as_array().empty());
  for (auto pod : pods.at("items").as_array()) {
    pod.at_pointer("/status/containerStatuses/0/state/running/startedAt") = "2099-01-01T00:00:00Z";
    write(sandbox, "downstream", std::move(pod));
  }
}

bool listed_all_pods(const Sandbox& sandbox) {
  const auto asked = sandbox.requests();
  return std::any_of(asked.begin(), asked.end(), [](const json::value& request) {
    return has(json::serialize(request), "/api/v1/pods?");
  });
}

TEST_CASE("after a renewal the workloads with the old CA are told, the network plugin first") {
  for (const Lines& profile : {present, Lines{"--rancher", "2.5", "--kubernetes", "1.20"}}) {
    CAPTURE(profile.front());
    Sandbox sandbox(with({"--workloads", "2"}, profile));
    for (const std::string command : {"status", "plan"}) {
      const auto looked = sandbox.retrust({command});
      CAPTURE(looked.all());
      CHECK(looked.status == 3);
      CHECK(has(looked.all(), "the network plugin daemonset calico-node in kube-system is among"));
      const auto fixes = commands(looked.all());
      REQUIRE(fixes.size() == 4);
      CHECK(has(fixes[0], " -n kube-system rollout restart daemonset/calico-node"));
      CHECK(has(fixes[1], " -n cattle-fleet-system rollout restart deployment/fleet-agent"));
      CHECK(has(fixes[2], " -n cattle-system rollout restart deployment/rancher-webhook"));
      CHECK(has(fixes[3], " -n shop rollout restart deployment/web-0"));
      CHECK(has(looked.all(), "; --all-pods makes section 2.2"));
    }
    // retrust restarts none of them, and the run's own record has them all.
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(commands(run.all()).size() == 4);
    const auto record = document_words(sandbox.run_folder());
    for (const std::string name :
         {"deployment/web-0", "deployment/web-1", "statefulset/database"}) {
      CHECK(has(record, "rollout restart " + name));
    }
    for (const auto& change : sandbox.changes()) CHECK_FALSE(has(change, "calico"));

    // What it says can be pasted, and what was restarted is not told any more.
    const auto fix = commands(sandbox.retrust({"status"}).all()).front();
    const auto done = sandbox.retrust(Sandbox::Call{.args = {}, .shell = fix});
    CAPTURE(done.all());
    CHECK(has(done.out, "calico-node restarted"));
    restart_pods(sandbox, "kube-system", "calico-node");
    const auto later = sandbox.retrust({"status"});
    CAPTURE(later.all());
    CHECK(later.status == 0);
    CHECK_FALSE(has(later.all(), "calico-node"));
    CHECK(commands(later.all()).size() == 3);
  }
}

TEST_CASE("a run tells of what is left at its end") {
  Sandbox sandbox(with({"--workloads", "0"}));
  const auto run = sandbox.run({"--all-pods"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  const auto next = run.all().substr(run.all().rfind("Next:"));
  CHECK(has(next, "calico-node"));
  CHECK_FALSE(has(next, "rancher-webhook"));
}

TEST_CASE("the JSON output has each workload with its command") {
  Sandbox sandbox(with({"--workloads", "1", "--fault", "metrics-away"}));
  const auto told = affected(sandbox);
  CAPTURE(told);
  CHECK(text(told, "/state") == "known");
  CHECK(text(told, "/workloads/0/role") == "network-plugin");
  CHECK(text(told, "/workloads/0/name") == "calico-node");
  CHECK(has(text(told, "/workloads/0/command"), "rollout restart daemonset/calico-node"));
  CHECK(told.at_pointer("/workloads/0/pods") == 2);
  CHECK(text(told, "/unavailableApiServices/0/name") == "v1beta1.metrics.k8s.io");
  // A kubectl process for each read tells the same.
  CHECK(affected(sandbox, {"--no-session"}) == told);
}

TEST_CASE("of a healthy cluster nothing is told, and no pods of others are read") {
  for (const std::string scenario : {"healthy", "key-only"}) {
    Sandbox sandbox(with({"--workloads", "2", "--scenario", scenario, "--fault", "metrics-away"}));
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == (scenario == "healthy" ? 0 : 3));
    CHECK(commands(status.all()).empty());
    CHECK_FALSE(listed_all_pods(sandbox));
    CHECK(has(status.all(), "still use the old key is unknown") == (scenario == "key-only"));
    CHECK(affected(sandbox).at("workloads").as_array().empty());
  }
}

TEST_CASE("who may not list all pods is told so, and nothing else changes") {
  Sandbox sandbox(with({"--workloads", "2"}));
  Sandbox::Call call{.args = {"status"},
                     .kubeconfig = sandbox.file("downstream-limited.kubeconfig")};
  for (const Lines& more : {Lines{}, Lines{"--no-session"}}) {
    call.args = with(more, {"status"});
    const auto status = sandbox.retrust(call);
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(status.all(), "is unknown: not allowed to list pods in all namespaces"));
    CHECK(commands(status.all()).empty());
    CHECK(status.err.empty());
  }
  call.args = {"status", "-o", "json"};
  const auto told = json::parse(sandbox.retrust(call).out).at("affected");
  CHECK(text(told, "/state") == "unknown");
}

TEST_CASE("without the time of the change nothing is guessed") {
  Sandbox sandbox(with({"--workloads", "2", "--fault", "no-managed-fields"}));
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.all(), "the managedFields of kube-root-ca.crt tell no time"));
  CHECK(commands(status.all()).empty());
  CHECK_FALSE(listed_all_pods(sandbox));
}

TEST_CASE("before Kubernetes 1.20 there is nothing to tell") {
  Sandbox sandbox({"--rancher", "2.4", "--kubernetes", "1.19", "--workloads", "2"});
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(commands(status.all()).empty());
  CHECK_FALSE(has(status.all(), "unknown: "));
}

TEST_CASE("a hostile name is shown, and is part of no command") {
  Sandbox sandbox(with({"--workloads", "0", "--hostile", "downstream none"}));
  sandbox.tell("hostile downstream pods/metadata/ownerReferences/*/name json=\"$(reboot)\"");
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.all(), "$(reboot) in cattle-system"));
  for (const auto& command : commands(status.all())) CHECK_FALSE(has(command, "reboot"));
  CHECK_FALSE(has(json::serialize(affected(sandbox).at("workloads")), "restart daemonset/$"));
  // What no name can be makes the whole list worthless, and stops nothing.
  sandbox.tell("hostile downstream pods#calico-node/metadata/name json=\"-n\"");
  const auto refused = sandbox.retrust({"status"});
  CAPTURE(refused.all());
  CHECK(refused.status == 3);
  CHECK(has(refused.all(), "which workloads still use the old CA is unknown"));
  CHECK(commands(refused.all()).empty());
}

TEST_CASE("an APIService that is not available is named after a renewal") {
  Sandbox sandbox(with({"--fault", "metrics-away"}));
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(has(status.all(),
            "the APIService v1beta1.metrics.k8s.io is not available: "
            "FailedDiscoveryCheck"));
  const auto shown = commands(status.all()).back();
  CHECK(has(shown, " describe apiservice/v1beta1.metrics.k8s.io"));
  const auto why = sandbox.retrust(Sandbox::Call{.args = {}, .shell = shown});
  CAPTURE(why.all());
  CHECK(has(why.out, "401"));
}

TEST_CASE("the authorized cluster endpoint keeps an old CA, in Rancher and in kubeconfigs") {
  Sandbox sandbox(with({"--scenario", "ca-only"}));
  auto resource = sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  auto& endpoint = resource.at("spec").as_object()["localClusterAuthEndpoint"].emplace_object();
  endpoint["enabled"] = true;
  write(sandbox, "local", resource);
  const auto old = base64_decode(text(resource, "/status/caCert")).value_or("");
  const auto without_name = sandbox.retrust({"status"});
  CAPTURE(without_name.all());
  CHECK(has(without_name.all(), "users download them again"));
  CHECK_FALSE(has(without_name.all(), "caCerts"));

  endpoint["fqdn"] = "production.example.com";
  endpoint["caCerts"] = old;
  write(sandbox, "local", resource);
  const auto stale = sandbox.retrust({"status"});
  CAPTURE(stale.all());
  CHECK(stale.status == 3);
  CHECK(has(stale.all(), "endpoint's caCerts are the old CA"));
  CHECK(has(stale.all(), "edit clusters.management.cattle.io/c-x7k2p"));
  CHECK(has(stale.all(), "users download them again"));
  // Also when Rancher itself has the new one.
  CHECK(sandbox.run().status == 0);
  const auto later = sandbox.retrust({"status"});
  CAPTURE(later.all());
  CHECK(later.status == 0);
  CHECK(has(later.all(), "endpoint's caCerts are the old CA"));

  // An endpoint that is off counts for nothing.
  resource = sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  auto& named = resource.at("spec").at("localClusterAuthEndpoint").as_object();
  named["enabled"] = false;
  write(sandbox, "local", resource);
  CHECK_FALSE(has(sandbox.retrust({"status"}).all(), "authorized cluster endpoint"));
}

}  // namespace
}  // namespace retrust::e2e
