// kubectl in the versions that people have: each goes through the whole procedure, both ways.
#include <doctest/doctest.h>

#include "installed.h"
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

TEST_CASE(
    "kubectl of every version runs the plugin; from 1.26 on it completes what belongs to it") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Installed installed(sandbox.directory());
  const auto said = [&](std::vector<std::string> command) {
    auto environment = installed.environment();
    environment["HOME"] = (sandbox.directory() / "home").string();
    Child child({.command = std::move(command),
                 .environment = std::move(environment),
                 .directory = sandbox.directory(),
                 .name = "plugin"});
    CHECK(child.wait() == 0);
    return child.out();
  };
  const auto local = sandbox.file("local.kubeconfig");
  for (const auto& version : versions) {
    CAPTURE(version);
    const auto kubectl = kubectl_of_version(version, sandbox.directory());
    CHECK(said({kubectl, "retrust", "--version"}) == said({"retrust", "--version"}));
    if (version == "1.20" || version == "1.24") continue;
    CHECK(said({kubectl, "__complete", "retrust", "sta"}) ==
          "status\tcompare what Rancher holds with what the cluster has; changes nothing\n:4\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--output", "j"}) == "json\n:4\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--kubeconfig", ""}) == ":0\n");
    CHECK(said({kubectl, "__complete", "retrust", "rollback", ""}) == ":16\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--local-kubeconfig", local, "--cluster",
                "pr"}) == "production\tc-x7k2p\n:4\n");
  }
}

TEST_CASE("a kuberc that makes kubectl ask, or try only, does not turn a deletion into nothing") {
  const auto kubectl_1_35 = [](Sandbox& sandbox) {
    return kubectl_of_version("1.35", sandbox.directory());
  };
  for (const std::string option : {"interactive, default: \"true\"", "dry-run, default: client"}) {
    CAPTURE(option);
    Sandbox sandbox;
    const auto kuberc = sandbox.directory() / "kuberc";
    write_file(kuberc,
               "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n"
               "- command: delete\n  options:\n  - {name: " +
                   option + "}\n");
    const auto run =
        sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "30s"},
                         .kubectl = kubectl_1_35(sandbox),
                         .environment = {{"KUBERC", kuberc.string()}}});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
  }
}

}  // namespace
}  // namespace retrust::e2e
