// What was renewed decides what is done; what is not concerned stays as it is.
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string uid(Sandbox& sandbox, const std::string& type, const std::string& name) {
  return text(sandbox.get("downstream", {type, name, "-n", "cattle-system"}), "/metadata/uid");
}

/// Names of the token secrets of cattle.
std::vector<std::string> token_secrets(Sandbox& sandbox) {
  std::vector<std::string> names;
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  for (const auto& secret : list.at("items").as_array()) {
    if (text(secret, "/type") == "kubernetes.io/service-account-token" &&
        text(secret, "/metadata/annotations/kubernetes.io~1service-account.name") == "cattle") {
      names.push_back(text(secret, "/metadata/name"));
    }
  }
  return names;
}

TEST_CASE("CA and service account key renewed: found, planned, repaired, and then left alone" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  CHECK(has(sandbox.ready_message(), "x509: certificate signed by unknown authority"));
  const auto before = sandbox.versions();

  const auto status = sandbox.retrust({"status"});
  CHECK(status.status == 3);
  CAPTURE(status.out);
  CHECK(status.out.starts_with("production (c-x7k2p): Rancher does not trust it. "));
  // A real control plane makes both CAs on one day.
  CHECK((has(status.out, "Rancher holds the CA of 20") || has(status.out, ", not the same")));
  CHECK(has(status.out, "x509: certificate signed by unknown authority"));
  CHECK_FALSE(has(status.out, "--- stored in Rancher\n"));
  const auto quiet = sandbox.retrust({"plan", "-q"});
  CAPTURE(quiet.out);
  CHECK(lines_of(quiet.out).size() == 2);
  CHECK(has(quiet.out,
            "\nPlan: delete 1 secret, restart 2 pods; repair Rancher's record only if the "
            "agents do not report. Backup of Rancher: not chosen yet.\n"));
  const auto verbose = sandbox.retrust({"status", "--verbose"});
  CHECK(has(verbose.out, "--- stored in Rancher\n"));
  CHECK(has(verbose.out, "+++ live in the cluster\n"));

  const auto plan = sandbox.retrust({"plan"});
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "2.1  delete-token          needed"));
  CHECK(has(plan.out, "delete secret/" + token_secrets(sandbox).front()));
  CHECK(sandbox.versions() == before);
  CHECK(sandbox.changes().empty());

  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "was reached with the stored CA and the stored token"));
  CHECK(has(run.out, "Rancher says: Ready True"));
  CHECK(sandbox.ready() == "True");
  const auto after = sandbox.retrust({"status"});
  CHECK(after.status == 0);

  const auto done = sandbox.versions();
  const auto changes = sandbox.changes().size();
  const auto again = sandbox.run();
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(sandbox.versions() == done);
  CHECK(sandbox.changes().size() == changes);
}

TEST_CASE("only the CA renewed: the token secret stays" * doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--scenario", "ca-only"});
  const auto secret = token_secrets(sandbox).front();
  const auto before = uid(sandbox, "secret", secret);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "2.1  delete-token          not needed"));
  CHECK(uid(sandbox, "secret", secret) == before);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("only the key renewed: stored and live agree, and are found to be worthless" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--scenario", "key-only"});
  const auto status = sandbox.retrust({"status"});
  CHECK(status.status == 3);
  CHECK(has(status.out, "the cluster rejects the token"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("nothing renewed: nothing to do" * doctest::test_suite("anywhere")) {
  for (const std::string rancher : {"2.4", "2.12"}) {
    CAPTURE(rancher);
    Sandbox sandbox({"--scenario", "healthy", "--rancher", rancher});
    // From Kubernetes 1.21 on agents of 2.4 report the token of their pod, which expires.
    if (rancher == "2.4" && sandbox.kubernetes_minor() >= 21) continue;
    CHECK(sandbox.retrust({"status"}).status == 0);
    CHECK(sandbox.retrust({"plan"}).status == 0);
    CHECK(sandbox.run().status == 0);
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("others' objects in cattle-system are not touched" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const auto notes = uid(sandbox, "secret", "my-cattle-token-notes");
  const auto helm = uid(sandbox, "pod", "helm-operation-7xk2p");
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(uid(sandbox, "secret", "my-cattle-token-notes") == notes);
  CHECK(uid(sandbox, "pod", "helm-operation-7xk2p") == helm);
}

TEST_CASE("--all-pods recreates every pod, as documented" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  std::vector<std::string> before;
  const auto list = sandbox.get("downstream", {"pods", "-n", "cattle-system"});
  for (const auto& pod : list.at("items").as_array()) before.push_back(text(pod, "/metadata/uid"));
  const auto run = sandbox.run({"--all-pods"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  wait_until("all old pods are gone", [&] {
    const auto now = sandbox.get("downstream", {"pods", "-n", "cattle-system"});
    const auto& pods = now.at("items").as_array();
    return std::none_of(pods.begin(), pods.end(), [&](const json::value& pod) {
      return std::find(before.begin(), before.end(), text(pod, "/metadata/uid")) != before.end();
    });
  });
  CHECK(sandbox.get("downstream", {"secret", "my-cattle-token-notes", "-n", "cattle-system"})
            .is_object());
}

TEST_CASE("a token secret that stays without token for two seconds is waited for") {
  Sandbox sandbox({"--fault", "slow-token=2000"});
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(transcripts(sandbox.run_folder()), "not filled in yet"));
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("two token secrets of cattle: both rejected, both replaced") {
  Sandbox sandbox({"--fault", "two-tokens"});
  CHECK(token_secrets(sandbox).size() == 2);
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(token_secrets(sandbox).size() == 1);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("no token secret at all") {
  SUBCASE("one comes while it is waited for") {
    Sandbox sandbox({"--fault", "no-token=late"});
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
  }
  SUBCASE("none comes: gave up waiting") {
    Sandbox sandbox({"--fault", "no-token=never"});
    const auto run = sandbox.run({"--timeout", "1s"});
    CAPTURE(run.all());
    CHECK(run.status == 5);
    CHECK(has(run.err, "kube-controller-manager"));
  }
}

TEST_CASE("an old agent that lingers and reports the old credentials again does not win") {
  Sandbox sandbox({"--fault", "linger-old-agent"});
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("a node that is away keeps its pod: told of, neither waited for nor warned of") {
  Sandbox sandbox({"--fault", "node-away"});
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(run.err.empty());
  CHECK(has(run.out,
            "still going, not waited for (a node that is away keeps its pod): "
            "cattle-node-agent-"));
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("agents that do not start: gave up waiting") {
  Sandbox sandbox({"--fault", "no-agents-start"});
  const auto run = sandbox.run({"--timeout", "1s"});
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "the agents did not start again"));
}

}  // namespace
}  // namespace retrust::e2e
