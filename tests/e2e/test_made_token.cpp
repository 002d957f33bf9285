// Kubernetes 1.24 and later, where nothing makes a deleted token secret again by itself.
#include <regex>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The agents' token secrets.
json::array agents_tokens(Sandbox& sandbox) {
  json::array found;
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  for (const auto& secret : list.at("items").as_array()) {
    const auto account = text(secret, "/metadata/annotations/kubernetes.io~1service-account.name");
    if (account == "cattle") found.push_back(secret);
  }
  return found;
}

void delete_agents_tokens(Sandbox& sandbox) {
  for (const auto& secret : agents_tokens(sandbox)) {
    const auto name = text(secret, "/metadata/name");
    const auto gone =
        sandbox.kubectl("downstream", {"delete", "secret", "-n", "cattle-system", name});
    CHECK(gone.status == 0);
  }
}

json::value account(Sandbox& sandbox) {
  return sandbox.get("downstream", {"serviceaccount", "cattle", "-n", "cattle-system"});
}

/// Rancher reaches the cluster, nothing is left to do, and nothing secret was said.
void check_done(Sandbox& sandbox, const Result& run) {
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  check_hidden(secrets(sandbox), "output", run.all());
  check_hidden(secrets(sandbox), "transcripts", transcripts(sandbox.run_folder()));
  const auto changes = sandbox.changes();
  const auto again = sandbox.run();
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(sandbox.changes() == changes);
}

TEST_CASE("agents that make their token secret are started before it is waited for") {
  struct Case {
    std::string rancher;
    std::string kubernetes;
  };
  for (const auto& each : {Case{"2.7.0", "1.24"}, Case{"2.12", "1.30"}, Case{"2.15", "1.30"}}) {
    CAPTURE(each.rancher);
    Sandbox sandbox({"--rancher", each.rancher, "--kubernetes", each.kubernetes});
    const auto before = secrets(sandbox);
    const auto plan = sandbox.retrust({"plan"});
    CAPTURE(plan.all());
    CHECK(plan.status == 3);
    CHECK(has(plan.out, "the agents do when they start"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK_FALSE(has(run.all(), "making the token secret"));
    check_hidden(before, "output", plan.all() + run.all());
    check_done(sandbox, run);
  }
}

TEST_CASE("older agents cannot start without a token secret: it is made, and listed first") {
  for (const std::string each : {"2.5.17", "2.6.6"}) {
    CAPTURE(each);
    Sandbox sandbox({"--rancher", each, "--kubernetes", "1.24"});
    const auto plan = sandbox.retrust({"plan"});
    CAPTURE(plan.all());
    CHECK(has(plan.out, "retrust does, and lists it first in the service account cattle"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK_FALSE(has(sandbox.kubectl("downstream", {"get", "pods", "-n", "cattle-system"}).out,
                    "CrashLoopBackOff"));
    const auto tokens = agents_tokens(sandbox);
    REQUIRE(tokens.size() == 1);
    CHECK(text(tokens[0], "/metadata/ownerReferences/0/uid") ==
          text(account(sandbox), "/metadata/uid"));
    CHECK(text(tokens[0], "/metadata/labels/cattle.io~1service-account.name") == "cattle");
    CHECK(account(sandbox).at("secrets").as_array().size() == 1);
    CHECK(text(account(sandbox), "/secrets/0/name") == text(tokens[0], "/metadata/name"));
    check_done(sandbox, run);
  }
}

TEST_CASE("agents of 2.4 report a token that expires: the secret's is written") {
  Sandbox sandbox({"--rancher", "2.4", "--kubernetes", "1.24"});
  const auto plan = sandbox.retrust({"plan"});
  CHECK(has(plan.out, "report a token that expires"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("agents that make none: it is made for them") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--fault", "agents-never-report"});
  const auto run = sandbox.run({"--timeout", "2s"});
  CAPTURE(run.all());
  CHECK(has(run.err, "no agent made a token secret within"));
  CHECK(agents_tokens(sandbox).size() == 1);
  check_done(sandbox, run);
}

TEST_CASE("a run that was interrupted after the deletion is finished by another") {
  for (const std::string each : {"2.6.6", "2.12"}) {
    CAPTURE(each);
    Sandbox sandbox({"--rancher", each, "--kubernetes", "1.24"});
    delete_agents_tokens(sandbox);
    const auto plan = sandbox.retrust({"plan"});
    CAPTURE(plan.all());
    CHECK(plan.status == 3);
    CHECK(has(plan.out, "there is no token secret of cattle"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    check_done(sandbox, run);
  }
}

TEST_CASE("each section by itself") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto deletion = sandbox.retrust({"step", "delete-token", "--yes", "--no-rancher-backup"});
  CAPTURE(deletion.all());
  CHECK(deletion.status == 0);
  CHECK(agents_tokens(sandbox).empty());
  const auto agents = sandbox.retrust({"step", "recreate-agents", "--yes", "--no-rancher-backup"});
  CAPTURE(agents.all());
  CHECK(agents.status == 0);
  CHECK(agents_tokens(sandbox).size() == 1);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("an account that lists a secret that is gone is put right") {
  Sandbox sandbox({"--rancher", "2.6.6", "--kubernetes", "1.24", "--scenario", "healthy"});
  const auto patched =
      sandbox.kubectl("downstream", {"patch", "sa", "cattle", "-n", "cattle-system", "-p",
                                     R"({"secrets": [{"name": "long-gone"}]})"});
  CHECK(patched.status == 0);
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "lists long-gone first"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(text(account(sandbox), "/secrets/0/name") ==
        text(agents_tokens(sandbox).at(0), "/metadata/name"));
  CHECK(account(sandbox).at("secrets").as_array().size() == 1);
  check_done(sandbox, run);
}

TEST_CASE("a secret of a fixed name that is made again holds the same token") {
  Sandbox sandbox({"--rancher", "2.7.0", "--kubernetes", "1.24", "--scenario", "healthy"});
  const auto before = agents_tokens(sandbox);
  const auto run = sandbox.run({"--all"});
  CAPTURE(run.all());
  const auto after = agents_tokens(sandbox);
  REQUIRE(after.size() == 1);
  CHECK(text(after[0], "/metadata/name") == "cattle-token");
  CHECK(text(after[0], "/metadata/uid") != text(before.at(0), "/metadata/uid"));
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("what Kubernetes it is, is asked of the cluster: Rancher may know an older one") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto patched = sandbox.kubectl(
      "local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type", "merge", "-p",
                R"({"status": {"version": {"gitVersion": "v1.23.17"}}})"});
  CHECK(patched.status == 0);
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(has(plan.out, "Kubernetes v1.30.14, driver"));
  CHECK(has(plan.out, "the agents do when they start"));
}

}  // namespace
}  // namespace retrust::e2e
