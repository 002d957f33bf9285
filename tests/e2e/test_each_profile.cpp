// What retrust makes of each pair of Rancher and Kubernetes that the sandbox plays.
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Profile {
  std::string rancher;
  std::string kubernetes;
};

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all{
      {"2.5.17", "1.20"}, {"2.6.6", "1.24"}, {"2.7.0", "1.24"}, {"2.12", "1.30"}, {"2.15", "1.30"}};
  return all;
}

void check_all_well(Sandbox& sandbox) {
  CHECK(sandbox.ready() == "True");
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 0);
}

TEST_CASE("where the CA alone was renewed no token is deleted") {
  for (const auto& [rancher, kubernetes] : profiles()) {
    CAPTURE(rancher);
    Sandbox sandbox({"--rancher", rancher, "--kubernetes", kubernetes, "--scenario", "ca-only"});
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, "2.1  delete-token          not needed"));
    CHECK_FALSE(has(run.out, "deleting token secret"));
    check_hidden(secrets(sandbox), "output", run.all());
    check_all_well(sandbox);
  }
}

TEST_CASE("where the agents are silent Rancher's record is repaired") {
  for (const auto& [rancher, kubernetes] : profiles()) {
    CAPTURE(rancher);
    Sandbox sandbox(
        {"--rancher", rancher, "--kubernetes", kubernetes, "--fault", "agents-never-report"});
    const auto run = sandbox.run({"--timeout", "2s"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, "replacing the clusters resource"));
    check_hidden(secrets(sandbox), "output", run.all());
    check_all_well(sandbox);
  }
}

TEST_CASE("each scenario on the five oldest and the five newest profiles") {
  const std::vector<Profile> oldest_and_newest{
      {"2.0", "1.20"},  {"2.1", "1.20"},    {"2.2", "1.20"},    {"2.3", "1.20"},  {"2.4", "1.20"},
      {"2.12", "1.30"}, {"2.13.8", "1.30"}, {"2.14.4", "1.36"}, {"2.15", "1.30"}, {"2.15", "1.36"}};
  struct Row {
    std::string scenario;
    int before;
    std::string found;
  };
  const std::vector<Row> rows{{"renewed", 3, "CA different\n"},
                              {"ca-only", 3, "stored against live: token the same, CA different\n"},
                              {"key-only", 3, "rejects the stored token.\n"},
                              {"healthy", 0, "stored against live: token the same, CA the same\n"}};
  int combinations = 0;
  for (const auto& [rancher, kubernetes] : oldest_and_newest) {
    for (const auto& [scenario, before, found] : rows) {
      CAPTURE(rancher);
      CAPTURE(kubernetes);
      CAPTURE(scenario);
      Sandbox sandbox({"--rancher", rancher, "--kubernetes", kubernetes, "--scenario", scenario});
      const auto status = sandbox.retrust({"status"});
      const auto run = sandbox.run();
      CAPTURE(status.all());
      CAPTURE(run.all());
      CHECK(status.status == before);
      CHECK(has(status.out, found));
      CHECK(run.status == 0);
      check_all_well(sandbox);
      const auto changes = sandbox.changes();
      CHECK(changes.empty() == (scenario == "healthy"));
      ++combinations;
    }
  }
  MESSAGE("combinations: ", combinations);
  CHECK(combinations == 40);
}

TEST_CASE("status shows both sides beside each other, and their difference") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto status = sandbox.retrust({"status", "--verbose"});
  CAPTURE(status.all());
  CHECK(has(status.out, "stored in Rancher  "));
  CHECK(has(status.out, "secret cluster-serviceaccounttoken-"));
  CHECK(has(status.out, "days left"));
  CHECK(has(status.out, "--- stored in Rancher\n"));
  CHECK(has(status.out, "+++ live in the cluster\n"));
  CHECK(has(status.out, "  the cluster      rejects it\n"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(has(run.out, "--- stored in Rancher before\n"));
  CHECK(has(run.out, "-  the cluster      rejects it\n"));
  CHECK(has(run.out, "+  the cluster      accepts it\n"));
  const auto well = sandbox.retrust({"status", "--verbose"});
  CHECK_FALSE(has(well.out, "+++ live"));
  CHECK(has(well.out, " same\n"));
  CHECK_FALSE(has(well.out, " different\n"));
}

TEST_CASE("stored CAs are compared by what they are") {
  for (const std::string fault : {"stored-crlf", "ca-bundle"}) {
    CAPTURE(fault);
    Sandbox healthy(
        {"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy", "--fault", fault});
    const auto status = healthy.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 0);
    CHECK(has(status.out, "stored against live: token the same, CA the same"));

    Sandbox renewed({"--rancher", "2.12", "--kubernetes", "1.30", "--fault", fault});
    const auto run = renewed.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    check_all_well(renewed);
  }
}

}  // namespace
}  // namespace retrust::e2e
