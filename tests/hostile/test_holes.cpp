// What an attacker achieved once, one case for each.
#include <doctest/doctest.h>

#include "attack.h"

namespace retrust::hostile {
namespace {

void check(const Attack& attack) {
  CAPTURE(attack.text());
  for (const auto& complaint : performed(attack).complaints) FAIL_CHECK(complaint);
}

void check_all(const std::vector<std::string>& of_commands, const std::string& server,
               const std::string& spec) {
  for (const auto& command : of_commands) check({"", command, "", server, spec, "10s"});
}

TEST_CASE("without an attack each command does what it should") {
  for (const auto& world : worlds()) {
    for (const auto& command : commands()) {
      const auto seen = performed({"", command, world, "downstream", "none", "30s"});
      CAPTURE(world);
      CAPTURE(command);
      CHECK(seen.ended.status == (command == "status" || command == "plan" ? 3 : 0));
      for (const auto& complaint : seen.complaints) FAIL_CHECK(complaint);
    }
  }
}

TEST_CASE("a pod that is named like an option is never deleted, nor anything else") {
  std::string spec;
  SUBCASE("every pod --all") {
    spec = R"(pods/metadata/name json="--all")";
  }
  SUBCASE("one pod --all") {
    spec = R"(pods#0/metadata/name json="--all")";
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
  for (const auto* server : {"downstream", "local"}) {
    const std::string place = server == std::string("local")
                                  ? "clusters.management.cattle.io/status/serviceAccountToken"
                                  : "secrets/data/token@base64";
    check_all({"status", "plan", "get-token"}, server, place + R"( json="kubectl --kubeconfig")");
    check_all({"status"}, server, place + R"( json="\"")");
    check_all({"status"}, server, place + R"( json="status")");
  }
}

TEST_CASE("an encrypted certificate asks nobody for a pass phrase") {
  check_all({"status", "run"}, "local",
            "clusters.management.cattle.io/status/caCert@base64 encrypted-pem");
  check_all({"status", "run"}, "downstream", "secrets/data/ca.crt@base64 encrypted-pem");
}

TEST_CASE("a bundle of 1,500 certificates stays small") {
  check_all({"status", "plan"}, "local",
            "clusters.management.cattle.io/status/caCert@base64 certificates");
  check_all({"run"}, "downstream", "secrets/data/ca.crt@base64 certificates");
}

TEST_CASE("a watch that never becomes quiet fills no disk") {
  check({"", "run", "--fault agents-never-report", "local", "clusters.management.cattle.io flood",
         "10s"});
  for (const auto* resource : {"pods", "secrets"}) {
    check({"", "run", "", "downstream", resource + std::string(" flood"), "10s"});
    check({"", "run", "", "downstream", resource + std::string(" multiply"), "10s"});
  }
}

TEST_CASE("a server that refuses cannot speak for retrust, nor show a token") {
  check_all({"status", "run", "get-token"}, "downstream", "secrets refuse");
}

}  // namespace
}  // namespace retrust::hostile
