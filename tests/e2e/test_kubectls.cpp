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
          "status\tcompare Rancher's credentials with the cluster's; changes nothing\n:4\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--output", "j"}) == "json\n:4\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--kubeconfig", ""}) == ":0\n");
    CHECK(said({kubectl, "__complete", "retrust", "rollback", ""}) == ":16\n");
    CHECK(said({kubectl, "__complete", "retrust", "run", "--local-kubeconfig", local, "--cluster",
                "pr"}) == "production\tc-x7k2p\n:4\n");
  }
}

/// Each command that retrust starts, with one default of a kuberc.
struct KubercDefault {
  std::string command;
  std::string option;
  std::string value;
};

TEST_CASE("no kuberc leads a command to another cluster, other objects, or nothing") {
  const std::vector<KubercDefault> defaults{
      {"delete", "interactive", "true"},
      {"delete", "dry-run", "client"},
      {"delete", "context", "local"},
      {"delete", "server", "https://127.0.0.1:1"},
      {"delete", "cluster", "local"},
      {"delete", "selector", "app=other"},
      {"delete", "now", "true"},
      {"get", "context", "local"},
      {"get", "server", "https://127.0.0.1:1"},
      {"get", "namespace", "default"},
      {"get", "selector", "app=other"},
      {"get", "field-selector", "metadata.name=other"},
      {"get", "all-namespaces", "true"},
      {"get", "watch", "true"},
      {"get", "watch-only", "true"},
      {"get", "ignore-not-found", "true"},
      {"get", "output-watch-events", "true"},
      {"get", "subresource", "status"},
      {"get", "raw", "/version"},
      {"get", "output", "yaml"},
      {"create", "context", "local"},
      {"create", "dry-run", "server"},
      {"create", "dry-run", "client"},
      {"create", "raw", "/version"},
      {"create", "namespace", "default"},
      {"replace", "context", "downstream"},
      {"replace", "dry-run", "server"},
      {"replace", "force", "true"},
      {"replace", "subresource", "status"},
      {"replace", "grace-period", "0"},
      {"replace", "output", "name"},
      {"replace", "kustomize", "/tmp"},
      {"config view", "context", "local"},
      {"version", "client", "true"},
      {"get", "insecure-skip-tls-verify", "true"},
      {"get", "certificate-authority", "/nowhere"},
      {"get", "tls-server-name", "other"},
      {"get", "token", "opaque-token-of-nobody"},
      {"get", "user", "nobody"},
      {"delete", "username", "nobody"},
  };
  for (const auto& [command, option, value] : defaults) {
    CAPTURE(command);
    CAPTURE(option);
    CAPTURE(value);
    Sandbox sandbox({"--fault", "agents-never-report"});
    const auto kubectl = kubectl_of_version("1.35", sandbox.directory());
    const auto kuberc = sandbox.directory() / "kuberc";
    write_file(kuberc,
               "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n"
               "- command: " +
                   command + "\n  options:\n  - {name: " + option + ", default: \"" + value +
                   "\"}\n");
    const auto run =
        sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s",
                                  "--context", "downstream", "--local-context", "local"},
                         .kubeconfig = sandbox.merged_kubeconfig(),
                         .local_kubeconfig = sandbox.merged_kubeconfig(),
                         .kubectl = kubectl,
                         .environment = {{"KUBERC", kuberc.string()}}});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
    for (const auto& change : sandbox.changes()) {
      const auto of_rancher = change.find(" clusters.management") != std::string::npos;
      CAPTURE(change);
      CHECK(change.starts_with(of_rancher ? "local " : "downstream "));
    }
  }
}

TEST_CASE("no kuberc proves a CA that does not verify the server") {
  Sandbox sandbox({"--fault", "old-ca-handed-out"});
  const auto kuberc = sandbox.directory() / "kuberc";
  write_file(kuberc,
             "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n"
             "- command: get\n  options:\n  - {name: insecure-skip-tls-verify, default: "
             "\"true\"}\n");
  const auto run = sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                                    .kubectl = kubectl_of_version("1.35", sandbox.directory()),
                                    .environment = {{"KUBERC", kuberc.string()}}});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(sandbox.changes().empty());
}

}  // namespace
}  // namespace retrust::e2e
