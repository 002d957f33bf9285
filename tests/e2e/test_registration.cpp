// What the agents connect with: which clusters resource they feed, and whether Rancher lets them
// in.
#include <fstream>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "account.h"
#include "base/encoding.h"
#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Writes other values into the secret that the agents mount.
void change_credentials(Sandbox& sandbox, const std::string& key, const std::string& value) {
  const auto patch = R"({"data": {")" + key + R"(": ")" + base64_encode(value) + R"("}})";
  const auto patched = sandbox.kubectl("downstream", {"patch", "secret", "-n", "cattle-system",
                                                      "cattle-credentials-1a2b3c4", "-p", patch});
  REQUIRE(patched.status == 0);
}

TEST_CASE("the registration token proves the cluster, wherever Rancher keeps it") {
  for (const std::string version : {"2.12", "2.13.7", "2.13.8", "2.14.3", "2.14.4", "2.15"}) {
    CAPTURE(version);
    Sandbox sandbox({"--rancher", version, "--kubernetes", "1.30"});
    renew_account(sandbox);
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(status.out, "stored against live"));
    check_hidden(secrets(sandbox), "output", status.all());
  }
}

TEST_CASE("the previous registration token counts as long as Rancher takes it") {
  for (const std::string kind : {"previous", "expired"}) {
    CAPTURE(kind);
    Sandbox sandbox(
        {"--rancher", "2.15", "--kubernetes", "1.30", "--fault", "registration=" + kind});
    const auto plan = sandbox.retrust({"plan"});
    CAPTURE(plan.all());
    CHECK(has(plan.out, "which Rancher takes until 20") == (kind == "previous"));
    CHECK(has(plan.out, "would not connect again") == (kind == "expired"));
  }
}

TEST_CASE("agents that could not connect again are left alone, and the record is repaired") {
  for (const std::string version : {"2.12", "2.15"}) {
    CAPTURE(version);
    Sandbox sandbox({"--rancher", version, "--kubernetes", "1.30", "--fault", "registration=dead"});
    const auto run = sandbox.run({"--all", "--skip", "redeploy-agents"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    for (const auto& change : sandbox.changes()) {
      CAPTURE(change);
      CHECK_FALSE(has(change, "delete"));
    }
    CHECK(sandbox.ready() == "True");
    CHECK(has(run.out, "retrust step redeploy-agents"));
    const auto refused =
        sandbox.retrust({"step", "redeploy-agents", "--yes", "--no-rancher-backup"});
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, "as cattle-impersonation-u-lzliery25a, whose token"));
    for (const std::string step : {"3.2", "redeploy-agents"}) {
      const auto done = sandbox.retrust({"step", step, "--yes", "--no-rancher-backup"});
      CAPTURE(done.all());
      CHECK(done.status == 0);
    }
    CHECK_FALSE(has(sandbox.retrust({"status"}).out, "registration token"));
    check_hidden(secrets(sandbox), "output", run.all());
  }
}

/// Where the text is, among the changes; their number if it is in none.
std::size_t place_of(const std::vector<std::string>& changes, const std::string& text) {
  std::size_t place = 0;
  while (place < changes.size() && !has(changes[place], text)) ++place;
  return place;
}

TEST_CASE("Rancher deploys its agents again through the tunnel that stands") {
  for (const std::string version : {"2.5", "2.12", "2.15"}) {
    for (const std::string scenario : {"renewed", "ca-only"}) {
      CAPTURE(version);
      CAPTURE(scenario);
      Sandbox sandbox({"--rancher", version, "--kubernetes", "1.23", "--scenario", scenario,
                       "--fault", "registration=dead"});
      const auto plan = sandbox.retrust({"plan", "--repair-impersonation"});
      CAPTURE(plan.all());
      CHECK(plan.out.find("update-cluster") < plan.out.find("redeploy-agents"));
      CHECK(plan.out.find("redeploy-agents") < plan.out.find("recreate-agents"));
      const auto run = sandbox.run({"--repair-impersonation"});
      CAPTURE(run.all());
      CHECK(run.status == 0);
      CHECK(sandbox.ready() == "True");
      const auto changes = sandbox.changes();
      CAPTURE(changes);
      const auto asked = place_of(changes, "patch clusters.management.cattle.io");
      CHECK(asked < changes.size());
      CHECK(asked < place_of(changes, "delete pods"));
      if (scenario == "renewed") CHECK(place_of(changes, "delete secrets cattle-token") < asked);
      const auto after = sandbox.retrust({"status"});
      CAPTURE(after.all());
      CHECK(after.status == 0);
      CHECK_FALSE(has(after.out, "registration token"));
      check_hidden(secrets(sandbox), "output", run.all());
    }
  }
}

TEST_CASE("Rancher's own user needs a token that the cluster accepts, and 3.2 brings one") {
  const std::vector<std::string> dead{"--rancher", "2.15",    "--kubernetes",
                                      "1.30",      "--fault", "registration=dead"};
  const std::string account = "cattle-impersonation-u-lzliery25a";
  {
    Sandbox sandbox(dead);
    CHECK(has(sandbox.retrust({"status"}).out,
              "the token of Rancher's own user for the cluster is rejected (" + account + ")"));
    const auto whole = sandbox.retrust({"status", "-o", "json"});
    const auto report = json::parse(whole.out);
    CHECK(text(report, "/registration/state") == "dead");
    CHECK(text(report, "/registration/cluster") == "c-x7k2p");
    CHECK(text(report, "/account") == "cattle");
    CHECK(report.at("agents").at("newPods").is_null());
    check_hidden(secrets(sandbox), "output", whole.all());
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{}, {"--repair-impersonation", "--skip", "3.2"}}) {
      const auto run = sandbox.run(args);
      CAPTURE(run.all());
      CHECK(run.status == 4);
      CHECK(has(run.err, account));
      CHECK(has(run.err, "--repair-impersonation"));
    }
    CHECK(sandbox.changes().empty());
  }
  Sandbox sandbox(dead);
  const auto run =
      sandbox.answered({.args = {"run", "--no-rancher-backup", "--timeout", "30s"}}, "yes");
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), "no other token is deleted"));
  CHECK(has(run.all(), "all also deletes 2 tokens"));
  std::size_t gone = 0;
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    if (!has(change, "delete secrets cattle-impersonation-")) continue;
    ++gone;
    CHECK(has(change, account));
  }
  CHECK(gone == 1);
}

TEST_CASE("agents that Rancher does not deploy end the run with what Rancher says") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--scenario", "ca-only", "--fault",
                   "registration=dead", "--fault", "new-pods=unscheduled"});
  const auto run = sandbox.run({"--timeout", "5s"});
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "the agents that Rancher deployed did not start"));
  // The agent that still runs is the only one.
  const auto before = sandbox.changes().size();
  const auto next = sandbox.run({"--timeout", "5s"});
  CAPTURE(next.all());
  CHECK(has(next.all(), "no node takes it"));
  CHECK(sandbox.changes().size() == before);
}

TEST_CASE("no option makes agents go that could not connect again") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.20", "--fault", "registration=dead"});
  for (const std::string step : {"recreate-agents", "delete-token"}) {
    const auto alone =
        sandbox.retrust({"step", step, "--all", "--all-pods", "--yes", "--no-rancher-backup"});
    CAPTURE(alone.all());
    CHECK(alone.status == 4);
    CHECK(has(alone.err, "would not connect again"));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("without a tunnel and without a good registration token nothing is changed") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--fault", "registration=dead",
                   "--fault", "no-agents-start"});
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
  while (!has(sandbox.ready_message(), "not connected")) {
  }
  const auto before = sandbox.changes().size();
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "register the cluster again"));
  CHECK(has(run.err, "clusterregistrationtokens.management.cattle.io"));
  CHECK(sandbox.changes().size() == before);
}

TEST_CASE("a good record does not hide that no agent can connect again") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--scenario", "healthy", "--fault",
                   "registration=dead", "--fault", "no-agents-start"});
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
  while (!has(sandbox.ready_message(), "not connected")) {
  }
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "register the cluster again"));
  CHECK(has(status.out, "clusterregistrationtokens.management.cattle.io"));
  const std::vector<std::string> yes{"--yes", "--no-rancher-backup"};
  for (auto args : {std::vector<std::string>{"run"}, {"step", "redeploy-agents"}}) {
    args.insert(args.end(), yes.begin(), yes.end());
    const auto refused = sandbox.retrust(args);
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, "no repair of the record brings them back"));
  }
}

TEST_CASE("agents of another clusters resource, or of another Rancher, are told before a change") {
  struct Other {
    std::string key;
    std::string value;
    std::string words;
  };
  for (const auto& [key, value, words] :
       {Other{"namespace", "c-new99", "c-new99"},
        Other{"url", "https://other.example.com", "https://other.example.com"}}) {
    CAPTURE(key);
    // Rancher before 2.6.3 does not say whether an agent is connected.
    Sandbox sandbox({"--rancher", "2.5", "--kubernetes", "1.20"});
    if (key == "namespace") change_credentials(sandbox, "token", std::string(54, 'z') + "zx9");
    change_credentials(sandbox, key, value);
    const auto before = sandbox.changes().size();
    const auto status = sandbox.retrust({"status"});
    CHECK(has(status.out, words));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, words));
    CHECK(sandbox.changes().size() == before);
  }
}

TEST_CASE("a connected agent may know Rancher by another name") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  change_credentials(sandbox, "url", "https://Rancher.internal/");
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("a claim of the agents alone is said, and needs consent") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--fault", "registration=dead"});
  renew_account(sandbox);
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "only its agents claim it"));

  const auto before = sandbox.changes().size();
  const auto ahead = sandbox.run();
  CAPTURE(ahead.all());
  CHECK(ahead.status == 4);
  CHECK(has(ahead.err, "so --yes is not enough"));
  CHECK(sandbox.changes().size() == before);
  const auto asked = sandbox.answered({.args = {"run", "--no-rancher-backup"}}, "no");
  CHECK(has(asked.all(), "Nothing proves which cluster this is"));
  change_credentials(sandbox, "namespace", "");
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 4);
}

}  // namespace
}  // namespace retrust::e2e
