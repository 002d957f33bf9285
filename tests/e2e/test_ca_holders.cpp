// A renewed CA comes into the token secrets and into kube-root-ca.crt by two controllers that do
// not wait for each other.
#include <filesystem>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A cluster of which one holder has not got the renewed CA.
struct Case {
  std::string fault;
  std::string behind;  ///< what status and the refusal say
};

const Case cases[] = {
    {"map-later",
     "kube-root-ca.crt is behind, which root-ca-cert-publisher of kube-controller-manager writes"},
    {"secrets-later", "is behind, which the token controller of kube-controller-manager writes"}};

std::vector<std::string> options(const std::string& fault) {
  return {"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "ca-only", "--fault", fault};
}

TEST_CASE("status and plan name the holder of the CA that is behind, and do not wait") {
  for (const auto& each : cases) {
    CAPTURE(each.fault);
    Sandbox sandbox(options(each.fault));
    for (const std::string command : {"status", "plan"}) {
      const auto result = sandbox.retrust({command});
      CAPTURE(result.all());
      CHECK(result.status == 3);
      CHECK(has(result.out, "hold different CAs"));
      CHECK(has(result.out, each.behind));
      CHECK(has(result.out, "stored against live: token the same, CA different"));
      CHECK_FALSE(has(result.all(), "--root-ca-file"));
    }
  }
}

TEST_CASE("a run waits for the holder of the CA that is behind, before it changes anything") {
  for (const auto& each : cases) {
    CAPTURE(each.fault);
    Sandbox sandbox(options(each.fault));
    auto run = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"}});
    const auto transcript = sandbox.run_folder() / "transcript.jsonl";
    wait_until("it waits for one CA", [&] {
      return std::filesystem::exists(transcript) && has(read_file(transcript), each.behind);
    });
    CHECK(sandbox.changes().empty());
    sandbox.tell("hand-out-ca");
    CHECK(run->wait() == 0);
    CAPTURE(run->out());
    CAPTURE(run->err());
    CHECK(sandbox.ready() == "True");
    CHECK(sandbox.retrust({"status"}).status == 0);
  }
}

TEST_CASE("a run waits as long as the holder of the CA takes") {
  for (const auto& each : cases) {
    CAPTURE(each.fault);
    Sandbox sandbox(options(each.fault + "=1500"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
  }
}

TEST_CASE("a holder of the CA that never gets it is named, and nothing is changed") {
  for (const auto& each : cases) {
    CAPTURE(each.fault);
    Sandbox sandbox(options(each.fault));
    const auto run = sandbox.run({"--timeout", "1s"});
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, each.behind));
    CHECK(has(run.err, "get lease/kube-controller-manager -n kube-system"));
    CHECK_FALSE(has(run.all(), "--root-ca-file"));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("a holder that is behind in a cluster that Rancher trusts is no trust lost") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy", "--fault",
                   "map-later"});
  sandbox.renew();
  const auto behind = sandbox.retrust({"status"});
  CAPTURE(behind.all());
  CHECK(behind.status == 3);
  CHECK(has(behind.out, "kube-root-ca.crt is behind"));
}

TEST_CASE("the holders of the CA are waited for where Rancher has a token of its own") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "ca-only", "--driver",
                   "GKE", "--fault", "map-later"});
  auto run = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"}});
  const auto transcript = sandbox.run_folder() / "transcript.jsonl";
  wait_until("it waits for one CA", [&] {
    return std::filesystem::exists(transcript) &&
           has(read_file(transcript), "kube-root-ca.crt is behind");
  });
  CHECK(sandbox.changes().empty());
  sandbox.tell("hand-out-ca");
  CHECK(run->wait() == 0);
  CAPTURE(run->out());
  CHECK(sandbox.ready() == "True");
}

}  // namespace
}  // namespace retrust::e2e
