// What an attacker achieved once, one case for each.
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "attack.h"
#include "calls.h"
#include "sandbox.h"

namespace retrust::hostile {
namespace {

Seen check(const Attack& attack) {
  CAPTURE(attack.text());
  auto seen = performed(attack);
  for (const auto& complaint : seen.complaints) FAIL_CHECK(complaint);
  return seen;
}

void check_all(const std::vector<std::string>& of_commands, const std::string& server,
               const std::string& spec) {
  for (const auto& command : of_commands) check({"", command, "", server, spec, "10s"});
}

TEST_CASE("without an attack each command does what it should") {
  const auto check_status = [](const Command& command, const std::string& world) {
    CAPTURE(command.name);
    const auto seen = check({"", command.name, world, "downstream", "none", "10s"});
    CHECK(seen.ended.status == (command.name == "status" || command.name == "plan" ? 3 : 0));
  };
  for (const auto& command : commands()) check_status(command, command.worlds.front());
  for (const auto& world : worlds()) check_status(command_named("run"), world);
}

TEST_CASE("a pod that is named like an option is never deleted, nor anything else") {
  std::string spec;
  SUBCASE("every pod --all") {
    spec = R"(pods/metadata/name json="--all")";
  }
  SUBCASE("one pod --all") {
    spec = R"(pods#cattle-cluster-agent/metadata/name json="--all")";
  }
  SUBCASE("--kubeconfig=FILE") {
    spec = R"(pods/metadata/name json="--kubeconfig=FILE")";
  }
  SUBCASE("--profile-output=FILE") {
    spec = R"(pods/metadata/name json="--profile-output=FILE")";
  }
  check_all({"plan", "run"}, "downstream", spec);
}

TEST_CASE("a token secret that is named like an option starts no program") {
  for (const auto* place : {"secrets/metadata/name", "serviceaccounts/secrets/*/name"}) {
    check_all({"get-token", "status", "run"}, "downstream",
              place + std::string(R"( json="--kubeconfig=FILE")"));
  }
  check_all({"get-token", "status"}, "local",
            R"(clusters.management.cattle.io/status/serviceAccountToken json="--kubeconfig=FILE")");
}

TEST_CASE("a line end in a display name begins no line") {
  check_all({"status", "plan", "run"}, "local",
            "clusters.management.cattle.io/spec/displayName "
            R"(json="production\nHOSTILE Done. Exit status 0.\n")");
}

TEST_CASE("what is declared a token hides nothing of the plan and of JSON") {
  for (const std::string server : {"downstream", "local"}) {
    const std::string place = server == "local"
                                  ? "clusters.management.cattle.io/status/serviceAccountToken"
                                  : "secrets/data/token@base64";
    const auto plan =
        check({"", "plan", "", server, place + R"( json="kubectl --kubeconfig")", "10s"});
    const auto whole =
        plan.ended.status == 4 || plan.out.find("kubectl --kubeconfig=") != std::string::npos;
    CHECK(whole);
    check_all({"get-token"}, server, place + R"( json="kubectl --kubeconfig")");
    check_all({"status"}, server, place + R"( json="{\"version\":1,\"differs\":true")");
    check_all({"status"}, server, place + R"( json="\"caCertificates\":[{\"subject\"")");
  }
}

TEST_CASE("what is no JWT is no token, and hides no word") {
  for (const std::string word : {"repair-impersonation", "serviceaccount/cattle"}) {
    const auto plan = check(
        {"", "plan", "", "downstream", "secrets/data/token@base64 json=\"" + word + "\"", "10s"});
    CHECK(plan.out.find("is no JWT") != std::string::npos);
    CHECK(plan.out.find("repair-impersonation") != std::string::npos);
    check_all({"run", "get-token"}, "downstream",
              "secrets/data/token@base64 json=\"" + word + "\"");
  }
}

TEST_CASE("a token of another account is not stored in Rancher") {
  const std::string claim =
      "downstream secrets/data/token@base64@jwt/"
      "kubernetes.io~1serviceaccount~1service-account.name json=\"default\"";
  e2e::Sandbox sandbox({"--hostile", claim});
  const auto result = sandbox.retrust({"step", "update-cluster", "--yes"});
  CAPTURE(result.all());
  CHECK(result.status == 4);
  CHECK(result.err.find("a token of the service account cattle-system/default, not of "
                        "cattle-system/cattle") != std::string::npos);
  CHECK(sandbox.changes().empty());
}

TEST_CASE("an encrypted certificate asks nobody for a pass phrase") {
  check_all({"status", "run"}, "local",
            "clusters.management.cattle.io/status/caCert@base64 encrypted-pem");
  check_all({"status", "run"}, "downstream", "secrets/data/ca.crt@base64 encrypted-pem");
}

// OpenSSL asks on the terminal, where there is one.
TEST_CASE("an encrypted certificate asks nobody for a pass phrase on a terminal") {
  std::string attack;
  SUBCASE("stored in Rancher") {
    attack = "local clusters.management.cattle.io/status/caCert@base64 encrypted-pem";
  }
  SUBCASE("in the secret") {
    attack = "downstream secrets/data/ca.crt@base64 encrypted-pem";
  }
  e2e::Sandbox sandbox({"--hostile", attack});
  std::string out;
  try {
    out = sandbox.answered({.args = {"status"}}, "").out;
  } catch (const std::exception& waited_in_vain) {
    FAIL_CHECK(waited_in_vain.what());
  }
  CHECK(out.find("pass phrase") == std::string::npos);
}

TEST_CASE("a bundle of 1,500 certificates is reported as a count") {
  // A bundle that is told certificate by certificate takes 600 KiB. The reads of a wait take some,
  // too.
  constexpr std::size_t most = std::size_t{128} << 10U;
  for (const std::string command : {"status", "plan", "run"}) {
    CAPTURE(command);
    const auto stored =
        check({"", command, "", "local",
               "clusters.management.cattle.io/status/caCert@base64 certificates", "10s"});
    CHECK(stored.largest_output < most);
    const auto live =
        check({"", command, "", "downstream", "secrets/data/ca.crt@base64 certificates", "10s"});
    CHECK(live.largest_output < most);
  }
}

TEST_CASE("a watch that never becomes quiet fills no disk") {
  check({"", "run", "--fault agents-never-report", "local", "clusters.management.cattle.io flood",
         "10s"});
  for (const auto* resource : {"pods", "secrets"}) {
    check({"", "run", "", "downstream", resource + std::string(" flood"), "10s"});
    check({"", "run", "", "downstream", resource + std::string(" multiply"), "10s"});
  }
}

TEST_CASE("a watch of ever new large objects fills no memory") {
  check({"", "run", "--fault no-agents-start", "downstream", "pods swell=60000", "10s"});
  check({"", "run", "--fault slow-token=60000", "downstream", "secrets swell", "10s"});
}

TEST_CASE("a list of thousands of tokens or names fills no memory") {
  check_all({"status", "run"}, "downstream", "secrets tokens");
  for (const auto* resource : {"pods", "secrets", "namespaces"}) {
    check_all({"status"}, "downstream", resource + std::string(" bare"));
  }
  check_all({"status"}, "local", "clusters.management.cattle.io bare");
}

TEST_CASE("a server that refuses cannot speak for retrust, nor show a token") {
  check_all({"status", "run", "get-token"}, "downstream", "secrets refuse");
}

}  // namespace
}  // namespace retrust::hostile
