// Rancher that keeps the token in a Secret (2.5.16, 2.6.7 and later).
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

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

std::string secret_name(Sandbox& sandbox) {
  return text(cluster(sandbox), "/status/serviceAccountTokenSecret");
}

/// Every Secret in which Rancher keeps tokens.
std::size_t count_secrets(Sandbox& sandbox) {
  return sandbox.get("local", {"secrets", "-n", "cattle-global-data"})
      .at("items")
      .as_array()
      .size();
}

/// Rancher can use what it has stored, and the token is in a Secret alone.
void check_repaired(Sandbox& sandbox) {
  CHECK(sandbox.ready() == "True");
  CHECK(text(cluster(sandbox), "/status/serviceAccountToken").empty());
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 0);
}

TEST_CASE("what agents report is waited for, wherever Rancher stores it") {
  for (const std::string each : {"2.5.17", "2.7.0", "2.12", "2.15"}) {
    CAPTURE(each);
    Sandbox sandbox({"--rancher", each});
    const auto name = secret_name(sandbox);
    const auto status = sandbox.retrust({"status"});
    CHECK(status.status == 3);
    CHECK(has(status.out, "in the Secret " + name + " of cattle-global-data"));
    const auto tokens = secrets(sandbox);
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK_FALSE(has(run.out + transcripts(sandbox.run_folder()), "2.5  update-cluster done"));
    check_hidden(tokens, "output", status.all() + run.all());
    check_hidden(secrets(sandbox), "output", run.all());
    check_hidden(secrets(sandbox), "transcripts", transcripts(sandbox.run_folder()));
    check_repaired(sandbox);
  }
}

TEST_CASE(
    "where nothing is reported a new Secret is made, and the old one comes back by rollback") {
  for (const std::string each : {"2.5.17", "2.12", "2.15"}) {
    CAPTURE(each);
    Sandbox sandbox({"--rancher", each, "--fault", "agents-never-report"});
    const auto before = secret_name(sandbox);
    const auto count = count_secrets(sandbox);
    const auto run = sandbox.run({"--timeout", "3s"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    const auto folder = sandbox.run_folder();
    const auto after = secret_name(sandbox);
    CHECK(after != before);
    CHECK(count_secrets(sandbox) == count + 1);
    const auto made = sandbox.get("local", {"secret", "-n", "cattle-global-data", after});
    CHECK(text(made, "/metadata/ownerReferences/0/kind") == "Cluster");
    CHECK(text(made, "/metadata/ownerReferences/0/uid") == text(cluster(sandbox), "/metadata/uid"));
    check_repaired(sandbox);
    check_hidden(secrets(sandbox), "output", run.all());
    check_hidden(secrets(sandbox), "transcripts", transcripts(folder));

    const auto back = sandbox.retrust({"rollback", folder.string(), "--yes"});
    CAPTURE(back.all());
    CHECK(back.status == 0);
    CHECK(secret_name(sandbox) == before);
    CHECK(text(cluster(sandbox), "/status/serviceAccountToken").empty());
    CHECK(has(back.err, "the cluster rejects the token that is put back"));
    CHECK(sandbox.retrust({"status"}).status == 3);
  }
}

TEST_CASE("a status that is a resource of its own is written as one, and put back" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--rancher", "2.15", "--fault", "agents-never-report"});
  const auto before = secret_name(sandbox);
  const auto run = sandbox.run({"--timeout", "3s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(transcripts(sandbox.run_folder()), "replace --raw /apis/management.cattle.io"));
  const auto folder = sandbox.run_folder().string();
  CHECK(secret_name(sandbox) != before);
  check_repaired(sandbox);
  check_hidden(secrets(sandbox), "output", run.all());
  const auto back = sandbox.retrust({"rollback", folder, "--yes"});
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(secret_name(sandbox) == before);
}

TEST_CASE("a Secret that is gone is made again, and no report is waited for") {
  Sandbox sandbox({"--rancher", "2.12", "--scenario", "healthy", "--fault", "credential-missing"});
  const auto before = secret_name(sandbox);
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, before + " of cattle-global-data, which is gone"));
  CHECK(has(plan.out, "no report brings it back"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(secret_name(sandbox) != before);
  CHECK_FALSE(has(run.all(), "2.2  deleting"));
  check_repaired(sandbox);
}

TEST_CASE("a Secret that holds something else is as good as one that is gone") {
  Sandbox sandbox({"--rancher", "2.12", "--scenario", "healthy"});
  const auto before = secret_name(sandbox);
  const auto patched = sandbox.kubectl(
      "local", {"patch", "secret", before, "-n", "cattle-global-data", "--type", "merge", "-p",
                R"({"data": {"credential": null, "token": "bm90LXRoaXM="}})"});
  CHECK(patched.status == 0);
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "stored against live: token not stored, CA the same"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(secret_name(sandbox) != before);
  check_repaired(sandbox);
}

TEST_CASE("a Rancher that ignores a token that changed alone is repaired without waiting") {
  Sandbox sandbox({"--rancher", "2.7.0", "--scenario", "key-only"});
  const auto before = secret_name(sandbox);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), "Rancher v2.7.0 ignores a token that changed alone"));
  CHECK(secret_name(sandbox) != before);
  check_repaired(sandbox);
}

}  // namespace
}  // namespace retrust::e2e
