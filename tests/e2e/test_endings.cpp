// How retrust ends: its last sentence is true, and the commands after it can be pasted.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

const std::vector<std::string> present{"--rancher", "2.12", "--kubernetes", "1.30"};

std::vector<std::string> with(std::vector<std::string> more) {
  more.insert(more.begin(), present.begin(), present.end());
  return more;
}

TEST_CASE("a good record does not hide what is still wrong") {
  Sandbox sandbox(with({"--workloads", "1", "--fault", "metrics-away"}));
  REQUIRE(sandbox.run().status == 0);
  const auto changes = sandbox.changes().size();
  for (const std::string command : {"status", "plan", "run"}) {
    CAPTURE(command);
    const auto again = command == "run" ? sandbox.run() : sandbox.retrust({command});
    CAPTURE(again.all());
    CHECK(again.status == 0);
    CHECK_FALSE(has(again.all(), "othing is needed"));
    CHECK_FALSE(has(again.all(), "othing was needed"));
    CHECK(has(again.out, "3 of Rancher's users cannot use it until 3.2"));
    CHECK(has(again.out, "5 workloads started before the CA changed"));
    CHECK(has(again.out, "the APIService v1beta1.metrics.k8s.io is not available"));
    CHECK(has(again.out, ": retrust step 3.2 --"));
  }
  CHECK(sandbox.changes().size() == changes);
  const auto report = json::parse(sandbox.retrust({"status", "-o", "json"}).out);
  CHECK(report.at("differs") == false);
  CHECK(has(json::serialize(report.at("stillWrong")), "users cannot use it until 3.2"));
}

TEST_CASE("a good record does not hide that the agents do not run") {
  Sandbox sandbox(with({"--scenario", "healthy", "--fault", "new-pods=image"}));
  const auto healthy = sandbox.retrust({"status"});
  CHECK(has(healthy.out, "Nothing is needed."));
  const auto report = json::parse(sandbox.retrust({"plan", "-o", "json"}).out);
  CHECK(report.at("stillWrong").as_array().empty());
  const auto gone = sandbox.kubectl("downstream", {"delete", "pods", "-n", "cattle-system", "-l",
                                                   "app=cattle-cluster-agent", "--wait=false"});
  REQUIRE(gone.status == 0);
  std::string told;
  wait_until("the new pod is stuck", [&] {
    told = sandbox.retrust({"status"}).out;
    return has(told, "ImagePullBackOff");
  });
  CAPTURE(told);
  CHECK_FALSE(has(told, "Nothing is needed."));
  CHECK(has(told, "(c-x7k2p) needs no repair, but the agent cattle-cluster-agent-"));
  CHECK(has(told, "; see why: kubectl --kubeconfig"));
}

/// The first command of `run` that a text offers.
std::string offered(const std::string& text) {
  const auto begin = text.find(": retrust run ");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

TEST_CASE("what comes after a waived backup proposes the one that was found, else the choices") {
  for (const std::string major : {"11", "0"}) {
    CAPTURE(major);
    Sandbox sandbox({"--fault", "no-agents-start", "--backup-operator", major});
    const auto run = sandbox.run({"--timeout", "2s"});
    CAPTURE(run.all());
    CHECK(run.status == 5);
    const auto found = major == "11";
    CHECK(has(offered(run.out), "--no-rancher-backup") == false);
    CHECK(has(offered(run.out), " --rancher-backup") == found);
    CHECK(has(offered(run.out), " --rke-config=FILE") != found);
    CHECK(has(run.out, "--rancher-backup is a proposal, as the backup was waived: the Rancher") ==
          found);
    CHECK(has(run.out, "in place of --rke-config=FILE give the backup of Rancher") != found);
  }
}

TEST_CASE("a step that leaves work names the run that does it with the backup that was found") {
  Sandbox sandbox({"--local-kubernetes", "v1.30.4+k3s1"});
  const auto step = sandbox.retrust({"step", "check-cluster", "--timeout", "1s"});
  CAPTURE(step.all());
  CHECK(step.status == 3);
  CHECK(has(step.out, "still needed: "));
  CHECK(offered(step.out).ends_with(" --k3s"));
}

TEST_CASE("a run that may be given again ends with the command for that") {
  Sandbox sandbox({"--fault", "old-ca-handed-out", "--backup-operator", "11"});
  const auto run = sandbox.retrust({"run", "--yes", "--rancher-backup", "--skip", "3.1"});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "run again"));
  CHECK(has(run.out, "run the same again: retrust run --yes --rancher-backup --skip 3.1 --"));
  CHECK(has(document_words(sandbox.run_folder()), "- run the same again: retrust run --yes "));
  CHECK(sandbox.changes().empty());
}

}  // namespace
}  // namespace retrust::e2e
