// The repair of the clusters resource, and what may happen around it.
#include <algorithm>
#include <filesystem>
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json::value cluster(Sandbox& sandbox) {
  return sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
}

/// Index of the first line that holds the part, or of the end.
std::size_t place(const std::vector<std::string>& lines, const std::string& part) {
  const auto found = std::find_if(lines.begin(), lines.end(),
                                  [&](const std::string& line) { return has(line, part); });
  return static_cast<std::size_t>(found - lines.begin());
}

TEST_CASE("agents that never report: after the wait the resource is backed up and repaired" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto before = cluster(sandbox);
  const auto run = sandbox.run({"--timeout", "2s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");

  const auto backup = sandbox.run_folder() / "backup" / "clusters-c-x7k2p.json";
  CHECK(json::parse(read_file(backup)) == before);
  CHECK((fs::status(backup).permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK((fs::status(sandbox.run_folder()).permissions() & fs::perms::mask) == fs::perms::owner_all);
  // Everything but the credentials, and what Rancher itself writes, is as it was.
  auto after = cluster(sandbox);
  CHECK(after.at("spec") == before.at("spec"));
  CHECK(text(after, "/status/apiEndpoint") == text(before, "/status/apiEndpoint"));
  CHECK(text(after, "/status/caCert") != text(before, "/status/caCert"));
}

TEST_CASE("somebody else's change in between survives" * doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s"},
                       .kubectl = sandbox.conflicting_kubectl()});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.err, "somebody else changed the clusters resource"));
  CHECK(text(cluster(sandbox), "/metadata/annotations/example.com~1changed-by") == "somebody-else");
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("a record that somebody puts back during the last wait is not called stored") {
  // The API server answers "False" for each condition, so the cluster does not get ready.
  Sandbox sandbox(
      {"--hostile",
       R"(local clusters.management.cattle.io/status/conditions/*/status json="False")"});
  const auto old_ca = text(cluster(sandbox), "/status/caCert");
  auto run = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "4s"}});
  const auto transcript = sandbox.run_folder() / "transcript.jsonl";
  wait_until("Rancher is waited for", [&] {
    return fs::exists(transcript) &&
           has(read_file(transcript), "for Rancher to say that the cluster is ready");
  });
  json::object status;
  status["caCert"] = old_ca;
  json::object change;
  change["status"] = std::move(status);
  const auto changed =
      sandbox.kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge",
                                "-p", json::serialize(change)});
  REQUIRE(changed.status == 0);
  CHECK(run->wait() == 1);
  CAPTURE(run->err());
  CHECK_FALSE(has(run->err(), "the live credentials are stored"));
  CHECK(has(run->err(), "somebody else changed what Rancher has stored for production (c-x7k2p)"));
  CHECK(has(run->err(), "CA different"));
}

TEST_CASE("watches that the server closes early") {
  Sandbox sandbox({"--fault", "close-watches"});
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("an API server that restarts in the middle of a run") {
  std::vector<std::string> options;
  SUBCASE("downstream, after the pods were deleted") {
    options = {"--fault", "restart-downstream"};
  }
  SUBCASE("local, while the report is waited for") {
    options = {"--fault", "restart-local", "--fault", "agents-never-report"};
  }
  Sandbox sandbox(options);
  const auto run = sandbox.run({"--timeout", "3s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("an API server that goes away during a wait is named, and nothing else is blamed") {
  std::vector<std::string> options;
  std::string side;
  std::string waits;  // in the transcript, when the server may go
  std::string blamed;
  SUBCASE("downstream, while a token secret is waited for") {
    options = {"--fault", "slow-token=600000"};
    side = "downstream";
    waits = "but not filled in yet";
    blamed = "no complete token secret of cattle appeared";
  }
  SUBCASE("downstream, while the agents start") {
    options = {"--fault", "no-agents-start"};
    side = "downstream";
    waits = "old pods gone";  // of 2, or of 3 where one came before the new secret
    blamed = "the agents did not start again";
  }
  SUBCASE("local, while the report is waited for") {
    options = {"--fault", "agents-never-report"};
    side = "local";
    waits = "stored and live differ";
    blamed = "nothing was reported";
  }
  SUBCASE("local, while Rancher restarts") {
    options = {"--rancher", "2.1", "--fault", "slow-rancher=600000"};
    side = "local";
    waits = "for Rancher's new server pods to be ready";
    blamed = "server pods were not ready";
  }
  Sandbox sandbox(options);
  const auto child = sandbox.start(
      {.args = {"run", "--yes", "--no-rancher-backup", "-v", "--timeout", "10s", "-o", "json"}});
  const auto events = sandbox.run_folder() / "transcript.jsonl";
  wait_until(waits, [&] {
    return fs::exists(events) && read_file(events).find(waits) != std::string::npos;
  });
  sandbox.tell("stop " + side);
  CHECK(child->wait() == 5);
  CAPTURE(child->err());
  CHECK(has(child->err(), "the API server of the " + side + " cluster ("));
  // The wait and the commands beside it have the same limit: any of them may be the first to end.
  const auto unknown = has(child->err(), "cannot be reached, so retrust does not know whether");
  const auto tried = has(child->err(), "cannot be reached; retrust tried for ");
  CHECK((unknown || tried));
  CHECK(has(child->err(), " was refused"));
  CHECK(has(child->err(), "get --raw /readyz"));
  CHECK_FALSE(has(transcripts(sandbox.run_folder()), blamed));
}

/// A kubectl that finds no server for the commands that match a pattern of the shell.
fs::path refused_kubectl(const Sandbox& sandbox, const std::string& commands) {
  auto kubectl = sandbox.directory() / "refused-kubectl";
  write_file(kubectl,
             "#!/bin/sh\ncase \" $* \" in " + commands +
                 ")\n"
                 "echo 'The connection to the server 127.0.0.1:1 was refused - did you specify the "
                 "right host or port?' >&2; exit 1 ;; esac\n"
                 "exec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  return kubectl;
}

TEST_CASE("a command whose server is away for as long as retrust waits ends it with status 5") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto kubectl = refused_kubectl(sandbox, "*' replace '*");
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s"},
                       .kubectl = kubectl.string()});
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "the API server of the local cluster ("));
  CHECK(has(run.err, "cannot be reached; retrust tried for 2.0 s"));
  CHECK(has(run.err, " was refused"));
}

TEST_CASE("a server that does not answer the stored CA and token is not said to reject them") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto kubectl = refused_kubectl(sandbox, "*' --raw /api/v1/namespaces/kube-system '*");
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "1s"},
                       .kubectl = kubectl.string()});
  CAPTURE(run.all());
  CHECK(run.status == 6);
  CHECK(has(run.err, " did not answer, so the stored CA and token could not be tried"));
  CHECK(has(run.err, "get --raw /readyz"));
  CHECK_FALSE(has(run.err, "does not accept what it hands out itself"));
}

TEST_CASE("a rollout that ends between the reading and the watching of its deployment is seen") {
  Sandbox sandbox({"--rancher", "2.1", "--fault", "rollout-awaits-reader"});
  const auto run = sandbox.run({"--timeout", "5s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("Rancher 2.0 and 2.1 are restarted, after the change and not before" *
          doctest::test_suite("anywhere")) {
  std::vector<std::string> options;
  std::string deployment = "rancher";
  std::string timeout = "30s";
  SUBCASE("2.1") {
    options = {"--rancher", "2.1"};
  }
  SUBCASE("2.0, where it is called cattle") {
    options = {"--rancher", "2.0", "--fault", "cattle-deployment"};
    deployment = "cattle";
  }
  SUBCASE("2.1, after a repair") {
    options = {"--rancher", "2.1", "--fault", "agents-never-report"};
    timeout = "5s";
  }
  Sandbox sandbox(options);
  const auto run = sandbox.run({"--timeout", timeout});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");

  const auto changes = sandbox.changes();
  REQUIRE_FALSE(changes.empty());
  CHECK(changes.back() == "local patch deployments.apps " + deployment);
  // The server that runs now started after the stored credentials were changed.
  wait_until("logs and shell work again", [&] {
    const auto events = sandbox.events();
    const auto last = std::find_if(events.rbegin(), events.rend(), [](const std::string& event) {
      return event.starts_with("rancher proxy ");
    });
    return last != events.rend() && *last == "rancher proxy fresh";
  });
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("Rancher 2.4 is not restarted" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  CHECK(sandbox.run().status == 0);
  const auto changes = sandbox.changes();
  CHECK(place(changes, "deployments") == changes.size());
}

TEST_CASE("the secret goes before the pods, and the backup before both" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  CHECK(sandbox.run().status == 0);
  const auto changes = sandbox.changes();
  REQUIRE(changes.size() >= 2);
  CHECK(changes.front().starts_with("downstream delete secrets cattle-token-"));
  CHECK(place(changes, "delete pods") > 0);
  const auto transcript = document_words(sandbox.run_folder());
  CHECK(transcript.find("saved the clusters resource") < transcript.find("deleting token secret"));
}

TEST_CASE("Ctrl-C in the middle of a wait: 130, recorded, and run again finishes the job" *
          doctest::test_suite("anywhere")) {
  // On every Kubernetes its agents report the token of a secret.
  Sandbox sandbox({"--rancher", "2.6.6", "--fault", "agents-never-report"});
  const auto child =
      sandbox.start({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "10m"}});
  wait_until("it waits for the report", [&] {
    return has(transcripts(sandbox.run_folder()), "for the live token and CA to be stored");
  });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CHECK(has(child->err(), "interrupted by signal 2"));
  const auto recorded = transcripts(sandbox.run_folder());
  CHECK(has(recorded, "interrupted by signal 2"));
  CHECK(has(recorded, "\"status\":130"));

  const auto run = sandbox.run({"--timeout", "2s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("killed at any point, a run is finished by the next one" *
          doctest::test_suite("anywhere")) {
  std::string moment;
  SUBCASE("after the secret is gone") {
    moment = "deleting token secret";
  }
  SUBCASE("after the pods are gone") {
    moment = "deleting 2 pods";
  }
  SUBCASE("while the agents start") {
    moment = "new ready";
  }
  Sandbox sandbox;
  const auto child =
      sandbox.start({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "10m"}});
  wait_until(moment, [&] { return has(transcripts(sandbox.run_folder()), moment); });
  child->signal(SIGKILL);
  child->wait();
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  CHECK(sandbox.retrust({"status"}).status == 0);
}

}  // namespace
}  // namespace retrust::e2e
