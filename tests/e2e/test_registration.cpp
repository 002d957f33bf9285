// What the agents connect with: which clusters resource they feed, and whether Rancher lets them
// in.
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

/// Writes other values into the secret that the agents mount.
void change_credentials(Sandbox& sandbox, const std::string& key, const std::string& value) {
  const auto patch = R"({"data": {")" + key + R"(": ")" + base64_encode(value) + R"("}})";
  const auto patched = sandbox.kubectl("downstream", {"patch", "secret", "-n", "cattle-system",
                                                      "cattle-credentials-1a2b3c4", "-p", patch});
  REQUIRE(patched.status == 0);
}

/// Deletes the agents' account and makes it again: the stored token then proves nothing.
void renew_account(Sandbox& sandbox) {
  auto account = sandbox.get("downstream", {"serviceaccount", "-n", "cattle-system", "cattle"});
  CHECK(sandbox.kubectl("downstream", {"delete", "serviceaccount", "-n", "cattle-system", "cattle"})
            .status == 0);
  auto& metadata = account.at("metadata").as_object();
  for (const auto* field : {"uid", "resourceVersion", "creationTimestamp"}) metadata.erase(field);
  const auto path = sandbox.directory() / "account.json";
  std::ofstream(path) << json::serialize(account);
  CHECK(sandbox.kubectl("downstream", {"create", "--validate=false", "-f", path.string()}).status ==
        0);
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
    const auto run = sandbox.run({"--all"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    for (const auto& change : sandbox.changes()) {
      CAPTURE(change);
      CHECK_FALSE(has(change, "delete"));
    }
    CHECK(sandbox.ready() == "True");
    CHECK(has(run.out, "io.cattle.agent.force.deploy=true"));
    check_hidden(secrets(sandbox), "output", run.all());
  }
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
