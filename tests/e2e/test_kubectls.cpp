// kubectl in the versions that people have: each goes through the whole procedure, both ways.
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

const std::vector<std::string> versions{"1.20", "1.24", "1.28", "1.32", "1.35"};

void check_renewed_and_run(Sandbox& sandbox, const std::string& version,
                           const std::string& timeout) {
  CAPTURE(version);
  const auto kubectl = kubectl_of_version(version, sandbox.directory());
  sandbox.renew();
  const auto before = sandbox.changes().size();
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--no-rancher-backup", "--timeout", timeout}, .kubectl = kubectl});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.changes().size() > before);
  CHECK(sandbox.ready() == "True");
  CHECK(sandbox.retrust({.args = {"status"}, .kubectl = kubectl}).status == 0);
}

TEST_CASE("kubectl of every version completes a run" * doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--scenario", "healthy", "--rancher", "2.1"});
  // What the agents report is taken.
  for (const auto& version : versions) check_renewed_and_run(sandbox, version, "30s");
  // They do not report any more: the resource is repaired.
  sandbox.tell("fault agents-never-report");
  for (const auto& version : versions) {
    check_renewed_and_run(sandbox, version, "2s");
    CHECK(transcripts(sandbox.run_folder()).find(" replace ") != std::string::npos);
  }
}

TEST_CASE("kubectl of every version writes a status that is a resource of its own") {
  Sandbox sandbox({"--scenario", "healthy", "--rancher", "2.15", "--kubernetes", "1.30"});
  sandbox.tell("fault agents-never-report");
  for (const auto& version : versions) {
    check_renewed_and_run(sandbox, version, "2s");
    CHECK(transcripts(sandbox.run_folder()).find(" replace --raw /apis/management") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace retrust::e2e
