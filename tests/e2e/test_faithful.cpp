// Holds the sandbox against a real API server: the same run, recorded on both.
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include "exchanges.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

/// Stands in front of one of the clusters and records.
class Recording {
 public:
  Recording(const Sandbox& sandbox, const std::string& side)
      : kubeconfig_(sandbox.directory() / (side + "-recorded.kubeconfig")),
        record_(sandbox.directory() / (side + ".jsonl")),
        recorder_({.command = {environment("RETRUST_TEST_RECORDER"), "--kubeconfig",
                               sandbox.file(side + ".kubeconfig"), "--certificate",
                               sandbox.file("pki/" + side + ".crt"), "--key",
                               sandbox.file("pki/" + side + ".key"), "--to", kubeconfig_.string(),
                               "--record", record_.string()},
                   .directory = sandbox.directory(),
                   .name = "recorder-" + side,
                   .input = Child::Setup::Input::pipe}) {
    wait_until("the recorder is ready", [&] {
      if (!recorder_.err().empty()) throw std::runtime_error(recorder_.err());
      return recorder_.out() == "ready\n";
    });
  }

  std::string kubeconfig() const { return kubeconfig_.string(); }

  /// Ends the recorder; its record is whole then.
  fs::path end() {
    recorder_.close_input();
    CHECK(recorder_.wait() == 0);
    return record_;
  }

 private:
  fs::path kubeconfig_;
  fs::path record_;
  Child recorder_;
};

/// The recorded answers are those of Kubernetes 1.20.
constexpr int recorded_minor = 20;

/// What the kubectl under test says of itself.
boost::json::value client_version(Sandbox& sandbox) {
  return boost::json::parse(sandbox.kubectl("local", {"version", "--client", "-o", "json"}).out);
}

/// "1.20", of the kubectl under test.
std::string kubectl_version(Sandbox& sandbox) {
  const auto version = client_version(sandbox);
  const auto minor = text(version, "/clientVersion/minor");
  return text(version, "/clientVersion/major") + "." +
         minor.substr(0, minor.find_first_not_of("0123456789"));
}

/// Ends the test program with the status that means "skipped" to meson: nothing was checked, and
/// that must not look like a success.
[[noreturn]] void not_checked(const std::string& why) {
  std::cout << "not checked: " << why << std::endl;
  std::exit(77);
}

/// The kubectl of a version that was asked for.
void use_kubectl_asked_for(const Sandbox& sandbox) {
  const char* version = std::getenv("RETRUST_TEST_KUBECTL_VERSION");
  if (version == nullptr) return;
  const auto kubectl = kubectl_of_version(version, sandbox.directory());
  ::setenv("RETRUST_TEST_KUBECTL", kubectl.c_str(), 1);
}

/// status, plan, run with every section, status; recorded in front of both clusters.
Exchanges exchanges_in(Sandbox& sandbox) {
  Recording downstream(sandbox, "downstream");
  Recording local(sandbox, "local");
  // No discovery that another kubectl left behind.
  const auto home = sandbox.directory() / "recorded-home";
  fs::create_directories(home);
  const auto retrust = [&](int expected, std::vector<std::string> args) {
    const auto result = sandbox.retrust({.args = std::move(args),
                                         .kubeconfig = downstream.kubeconfig(),
                                         .local_kubeconfig = local.kubeconfig(),
                                         .environment = {{"HOME", home.string()}}});
    CAPTURE(result.all());
    CHECK(result.status == expected);
  };
  retrust(3, {"status"});
  // With a choice of a backup, as what a proposal reads is not recorded.
  retrust(3, {"plan", "--no-rancher-backup"});
  retrust(0, {"run", "--yes", "--no-rancher-backup", "--timeout", "5s"});
  retrust(0, {"status"});
  Exchanges found;
  add_record(found, "downstream", downstream.end());
  add_record(found, "local", local.end());
  return found;
}

const std::vector<std::string> options{"--rancher", "2.1", "--fault", "agents-never-report"};

/// The same exchanges with clusters of that Kubernetes that the sandbox plays.
Exchanges played_exchanges(int minor) {
  ::unsetenv("RETRUST_TEST_CONTROL_PLANE");
  auto with_version = options;
  with_version.insert(with_version.end(), {"--kubernetes", "1." + std::to_string(minor)});
  Sandbox sandbox(with_version);
  auto played = exchanges_in(sandbox);
  // The version is that of the downstream cluster. The local one is of 1.20, where pods mount the
  // secret of their token.
  for (auto& [head, lines] : played) {
    if (!head.starts_with("local GET /api/v1/namespaces/cattle-system/pods")) continue;
    std::erase_if(lines, [](const std::string& line) {
      return line.find("/spec/volumes/*/secret/") != std::string::npos;
    });
  }
  return played;
}

/// Compares with what is recorded, or records. Why nothing was compared, where that is so.
std::string compare() {
  Sandbox sandbox(options);
  use_kubectl_asked_for(sandbox);
  const auto version = kubectl_version(sandbox);
  const auto minor = sandbox.kubernetes_minor();
  const auto record = std::getenv("RETRUST_TEST_RECORD") != nullptr;
  const auto live = std::getenv("RETRUST_TEST_CONTROL_PLANE") != nullptr;
  const auto fixture = fs::path(environment("RETRUST_TEST_FIXTURES")) / "faithfulness" /
                       ("kubectl-" + version + ".txt");
  if (minor != recorded_minor && (record || !live)) {
    return "only answers of Kubernetes 1.20 are recorded, and this is 1." + std::to_string(minor);
  }
  if (minor == recorded_minor && !record && !fs::exists(fixture)) {
    return "nothing was recorded with kubectl " + version + "; see " +
           (fixture.parent_path() / "README.md").string();
  }
  auto found = exchanges_in(sandbox);
  if (record) {
    REQUIRE(secrets_in(text_of(found)).empty());
    fs::create_directories(fixture.parent_path());
    write_file(fixture, text_of(found));
    MESSAGE("written: " << fixture.string());
    return {};
  }
  // retrust asks newer servers for more. There both are at hand, the real one and the sandbox.
  auto expected =
      minor == recorded_minor ? exchanges_of(read_file(fixture)) : played_exchanges(minor);
  // gcloud's kubectl asks for the server's version before each command. From 1.27 on kubectl reads
  // the discovery documents all in one (KEP-3352), which the sandbox does not serve.
  std::string left_out = "?timeout accept=";
  if (minor == recorded_minor) {
    const auto itself = text(client_version(sandbox), "/clientVersion/gitVersion");
    left_out = itself.ends_with("-dispatcher") ? " GET /version?timeout" : "";
  }
  if (!left_out.empty()) {
    for (auto* exchanges : {&expected, &found}) {
      std::erase_if(*exchanges, [&](const auto& exchange) {
        return exchange.first.find(left_out) != std::string::npos;
      });
    }
  }
  for (const auto& difference : differences(expected, found)) FAIL_CHECK(difference);
  return {};
}

TEST_CASE("the sandbox answers as a real API server does" * doctest::test_suite("anywhere")) {
  const auto why_not = compare();
  if (!why_not.empty()) not_checked(why_not);
}

TEST_CASE("a watch that saw one pod of several is no difference") {
  const std::string head = "downstream GET /api/v1/pods?watch=true -> 200 application/json watch";
  const std::set<std::string> of_any{"/kind string=Pod", "/metadata/labels/app string"};
  auto of_deployment = of_any;
  of_deployment.insert({"event DELETED", "/metadata/labels/pod-template-hash string",
                        "/metadata/ownerReferences/*/kind string=ReplicaSet"});
  CHECK(differences({{head, of_deployment}}, {{head, of_any}}) == std::vector<std::string>{});
  CHECK(differences({{head, of_any}}, {{head, {"/kind string=Pod"}}}).size() == 1);
}

TEST_CASE("what was recorded holds no secrets") {
  const auto folder = fs::path(environment("RETRUST_TEST_FIXTURES")) / "faithfulness";
  for (const auto& file : fs::directory_iterator(folder)) {
    CAPTURE(file.path().string());
    CHECK(secrets_in(read_file(file.path())) == std::vector<std::string>{});
  }
  // A JWT, whose header and payload are JSON, and a certificate.
  CHECK(secrets_in("a eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrIn0.c2ln b").size() == 2);
  CHECK(secrets_in("-----BEGIN CERTIFICATE-----").size() == 1);
}

}  // namespace
}  // namespace retrust::e2e
