// Clusters whose stored token is of an account of Rancher's own: hosted ones, and clusters that
// Rancher made with rke.
#include <algorithm>

#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

const std::vector<std::string> drivers{"EKS", "AKS", "GKE", "Alibaba", "rancherKubernetesEngine"};
const std::string additional = "additional-ca";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string stored_ca(Sandbox& sandbox) {
  return text(sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"}), "/status/caCert");
}

/// The token secrets of that account, by name.
std::vector<std::string> secrets_of(Sandbox& sandbox, const std::string& account) {
  std::vector<std::string> names;
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  for (const auto& secret : list.at("items").as_array()) {
    if (text(secret, "/metadata/annotations/kubernetes.io~1service-account.name") == account) {
      names.push_back(text(secret, "/metadata/name"));
    }
  }
  return names;
}

/// The place of the first request with these words among all changes; their number if there is
/// none.
std::size_t place(const std::vector<std::string>& changes, const std::string& words) {
  const auto found = std::find_if(changes.begin(), changes.end(),
                                  [&](const std::string& each) { return has(each, words); });
  return static_cast<std::size_t>(found - changes.begin());
}

TEST_CASE("a healthy cluster with a token of Rancher's own account is not touched") {
  for (const auto& driver : drivers) {
    CAPTURE(driver);
    Sandbox sandbox({"--rancher", driver == "rancherKubernetesEngine" ? "2.6.6" : "2.12",
                     "--kubernetes", "1.23", "--driver", driver, "--scenario", "healthy", "--fault",
                     additional});
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 0);
    CHECK(has(status.out, "kontainer-engine"));
    CHECK(has(status.out, "token the same, CA the same"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, "Nothing was needed"));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("the next token of Rancher's own account is stored before the old one goes") {
  for (const auto& driver : drivers) {
    CAPTURE(driver);
    Sandbox sandbox({"--rancher", driver == "rancherKubernetesEngine" ? "2.6.6" : "2.12",
                     "--kubernetes", "1.30", "--driver", driver, "--fault", additional});
    const auto before = secrets_of(sandbox, "kontainer-engine");
    REQUIRE(before.size() == 1);
    const auto agents = secrets_of(sandbox, "cattle");
    const auto plan = sandbox.retrust({"plan"});
    CAPTURE(plan.all());
    CHECK(plan.status == 3);
    CHECK(plan.out.find("make-token") < plan.out.find("update-cluster"));
    CHECK(plan.out.find("update-cluster") < plan.out.find("2.1  delete-token"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    const auto changes = sandbox.changes();
    CAPTURE(changes);
    const auto made = place(changes, "downstream create secrets");
    const auto written = place(changes, "local update clusters.management.cattle.io");
    const auto deleted = place(changes, "downstream delete secrets");
    CHECK(made < written);
    CHECK(written < deleted);
    CHECK(deleted < changes.size());
    // The agents' own secret is none of the record's.
    CHECK(secrets_of(sandbox, "cattle") == agents);
    const auto after = secrets_of(sandbox, "kontainer-engine");
    CHECK(after.size() == 1);
    CHECK(after != before);
    check_hidden(secrets(sandbox), "output", run.all());
    check_hidden(secrets(sandbox), "transcripts", transcripts(sandbox.run_folder()));
    CHECK(sandbox.ready() == "True");
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 0);
    CHECK(has(status.out, "and 1 more"));  // the additional CA
  }
}

TEST_CASE("a token of Rancher's own account that the cluster accepts stays") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--driver", "EKS", "--scenario",
                   "ca-only", "--fault", additional});
  const auto before = secrets_of(sandbox, "kontainer-engine");
  const auto old_ca = stored_ca(sandbox);
  const auto run = sandbox.run({"--all"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(secrets_of(sandbox, "kontainer-engine") == before);
  CHECK(stored_ca(sandbox) != old_ca);
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("an interrupted change of Rancher's own token is finished without a third one") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--driver", "GKE"});
  const auto begun = sandbox.retrust({"step", "make-token", "--yes", "--no-rancher-backup"});
  CAPTURE(begun.all());
  CHECK(begun.status == 0);
  CHECK(secrets_of(sandbox, "kontainer-engine").size() == 2);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(secrets_of(sandbox, "kontainer-engine").size() == 1);
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("the old token stays while Rancher does not have the next one") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--driver", "GKE"});
  const auto step = sandbox.retrust({"step", "delete-token", "--yes", "--no-rancher-backup"});
  CAPTURE(step.all());
  CHECK(step.status == 4);
  CHECK(has(step.err, "has not stored the next token yet"));
  CHECK(secrets_of(sandbox, "kontainer-engine").size() == 1);
}

TEST_CASE("a stored token of an account that is gone is not replaced by another account's") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--driver", "EKS"});
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "serviceaccount", "-n", "cattle-system", "kontainer-engine"})
            .status == 0);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "the service account kontainer-engine"));
  CHECK(has(run.err, "is gone"));
  for (const auto& change : sandbox.changes()) CHECK(has(change, "kontainer-engine"));
}

}  // namespace
}  // namespace retrust::e2e
