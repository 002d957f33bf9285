// One command for several clusters.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "fleet.h"
#include "sandbox.h"
#include "secrets.h"
#include "transcript/schema.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

TEST_CASE("one run repairs all clusters, proves one of them first, and finds nothing afterwards") {
  Sandbox sandbox({"--clusters", "4", "--mix", "renewed,ca-only"});
  const auto run = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "first: store-004 ("));
  CHECK(has(run.out, "Done. 4 repaired. Exit status 0."));
  // The canary has ended before the first step of another cluster.
  const auto proven = run.out.find("\nstore-004: repaired\n");
  REQUIRE(proven != std::string::npos);
  for (const auto* other : {"\nproduction: 2.", "\nstore-002: 2.", "\nstore-003: 2."}) {
    CAPTURE(other);
    const auto begins = run.out.find(other);
    CHECK(begins != std::string::npos);
    CHECK(begins > proven);
  }

  const auto folder = sandbox.run_folder();
  // The command to undo all can be pasted: no kubeconfig leads to all of them.
  const auto undo = run.out.find("for all of them: retrust rollback " + folder.string());
  REQUIRE(undo != std::string::npos);
  const auto pasted = run.out.substr(undo, run.out.find('\n', undo) - undo);
  CHECK_FALSE(has(pasted, " --kubeconfig"));
  CHECK(has(pasted, "--local-kubeconfig"));
  const auto summary = read_file(folder / "summary.md");
  CHECK(summary.starts_with("# retrust run of 4 clusters\n\n**Done.** 4 repaired. Exit status 0."));
  const auto known = ends(folder);
  REQUIRE(known.size() == 4);
  for (const auto& [name, end] : known) {
    CAPTURE(name);
    CHECK(text(end, "/result") == "repaired");
    CHECK(text(end, "/lastStep") == "2.5 check-cluster");
    const auto own = folder / text(end, "/folder");
    CHECK(own.filename() == name + "-" + text(end, "/id"));
    CHECK(has(read_file(own / "transcript.md"), "Rancher has stored the live token and CA"));
    CHECK(fs::exists(own / "transcript.jsonl"));
    CHECK(fs::exists(own / "backup" / ("clusters-" + text(end, "/id") + ".json")));
  }
  CHECK_FALSE(fs::exists(folder / "backup"));
  const auto hidden = secrets(sandbox);
  check_hidden(hidden, "output", run.all());
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto saved = has(entry.path().string(), "/backup/");
    if (entry.is_regular_file() && !saved) {
      check_hidden(hidden, entry.path().string(), read_file(entry.path()));
    }
  }

  const auto before = sandbox.changes();
  const auto again = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(has(again.out, "Done. 4 nothing needed."));
  CHECK(sandbox.changes() == before);
}

TEST_CASE("clusters in every state: the worst result counts, and none keeps others from repair") {
  Sandbox sandbox({"--clusters", "8"});
  const auto plan = sandbox.retrust(call_for_all(sandbox, {"plan", "--no-rancher-backup"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 6);
  CHECK(has(plan.out, "Plan: delete 1 secret, restart 2 pods"));

  // What is no kubeconfig leads nowhere, and is no cluster without an answer.
  std::ofstream(sandbox.file("kubeconfigs") + "/README.md") << "no kubeconfig\n";
  const auto run = sandbox.retrust(run_of_all(sandbox, {"--timeout=5s"}));
  CAPTURE(run.all());
  CHECK(run.status == 6);
  CHECK(has(run.err, "README.md: "));
  CHECK(has(run.err, "Rancher says x509 of store-005 ("));
  CHECK(has(run.err, "context store-005: neither its service accounts nor its agents' token"));
  CHECK(has(run.err, "context store-006: reading the objects of the downstream cluster failed"));
  const auto known = ends(sandbox.run_folder());
  const std::map<std::string, std::string> results{
      {"production", "repaired"}, {"store-002", "repaired"}, {"store-003", "nothing needed"},
      {"store-004", "repaired"},  {"store-007", "repaired"}, {"store-008", "refused"},
      {"unknown", "no answer"}};
  CHECK(known.size() == results.size());
  for (const auto& [name, result] : results) {
    CAPTURE(name);
    REQUIRE(known.contains(name));
    CHECK(text(known.at(name), "/result") == result);
  }
  CHECK(has(text(known.at("store-008"), "/text"), "https://another-rancher.example.com"));
  CHECK(has(text(known.at("unknown"), "/text"), "store-006.yaml, context store-006: where this"));
}

TEST_CASE("status and plan of several clusters leave no files, and print one document as JSON") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,healthy"});
  const auto status = sandbox.retrust(call_for_all(sandbox, {"status"}));
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "2 need repair, 1 nothing needed. No changes were made."));
  CHECK(has(status.out, "retrust plan --kubeconfig " + sandbox.file("kubeconfigs")));
  // The next command for all of them says so.
  CHECK(has(status.out, "retrust run --kubeconfig " + sandbox.file("kubeconfigs")));
  CHECK(has(status.out, "--all-clusters"));

  const auto plan =
      sandbox.retrust(call_for_all(sandbox, {"plan", "--no-rancher-backup", "--verbose"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "production:        kubectl --kubeconfig=" + sandbox.file("kubeconfigs") +
                          "/production.yaml --context=production -n cattle-system delete"));
  CHECK(has(plan.out, "run would begin with store-003 (c-kh5rc), and with the others once"));
  const auto first = sandbox.retrust(call_for_all(
      sandbox, {"plan", "--no-rancher-backup", "--canary=production", "--all-clusters"}));
  CHECK(has(first.out, "run would begin with production (c-x7k2p), and"));

  for (const auto* command : {"status", "plan"}) {
    CAPTURE(command);
    const auto shown =
        sandbox.retrust(call_for_all(sandbox, {command, "--all-clusters", "-o", "json"}));
    CAPTURE(shown.all());
    CHECK(shown.status == 3);
    const auto document = json::parse(shown.out);
    const auto& clusters = document.at("clusters").as_array();
    REQUIRE(clusters.size() == 3);
    CHECK(text(clusters.at(0), "/result") == "needs repair");
    CHECK(text(clusters.at(2), "/name") == "store-002");
    CHECK(clusters.at(0).at("report").is_object());
  }
}

TEST_CASE("of clusters that were named each needs a way, and no other context counts") {
  Sandbox sandbox({"--clusters", "4", "--mix", "renewed,healthy,unreachable,renewed"});
  const auto run = [&](std::vector<std::string> clusters) {
    std::vector<std::string> args{"run", "--yes", "--no-rancher-backup"};
    for (const auto& each : clusters) args.push_back("--cluster=" + each);
    return sandbox.retrust(call_for_all(sandbox, args));
  };
  const auto two = run({"production", "store-002"});
  CAPTURE(two.all());
  CHECK(two.status == 0);
  CHECK(has(two.out, "Done. 1 repaired, 1 nothing needed."));
  CHECK(ends(sandbox.run_folder()).size() == 2);

  const auto lacking = run({"store-003", "store-004"});
  CAPTURE(lacking.all());
  CHECK(lacking.status == 6);
  const auto known = ends(sandbox.run_folder());
  REQUIRE(known.contains("store-004"));
  CHECK(text(known.at("store-004"), "/result") == "repaired");
  CHECK(has(lacking.out, "no answer"));
  CHECK(has(lacking.out, "no context of the kubeconfigs is proven to lead there"));
}

TEST_CASE("lines of JSON name their cluster") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto run = sandbox.retrust(run_of_all(sandbox, {"-o", "json"}));
  CAPTURE(run.err);
  CHECK(run.status == 0);
  std::set<std::string> named;
  std::istringstream text_of_lines(run.out);
  for (std::string line; std::getline(text_of_lines, line);) {
    const auto object = json::parse(line).as_object();
    CHECK(against_schema(object) == "");
    if (object.contains("clusterId")) named.insert(text(object, "/clusterId"));
  }
  CHECK(named.size() == 2);
  CHECK(named.contains("c-x7k2p"));
}

TEST_CASE("after a no nothing is changed, and the question named each cluster") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto before = sandbox.changes();
  auto asked = call_for_all(sandbox, {"run", "--all-clusters", "--no-rancher-backup"});
  const auto declined = sandbox.answered(asked, "no");
  CAPTURE(declined.all());
  CHECK(declined.status == 7);
  const auto shown = unwrapped(declined.all());
  CHECK(has(shown, "production (c-x7k2p): 2.1 delete-token, 2.2 recreate-agents"));
  CHECK(has(shown, "Do this to 2 clusters, first to store-002 ("));
  CHECK(sandbox.changes() == before);
  for (const auto& [name, end] : ends(sandbox.run_folder())) {
    CAPTURE(name);
    CHECK(text(end, "/result") == "declined");
    CHECK(has(text(end, "/text"), "not confirmed: nothing was changed"));
  }

  const auto agreed = sandbox.answered(asked, "yes");
  CAPTURE(agreed.all());
  CHECK(agreed.status == 0);
  const auto own = sandbox.run_folder() / text(ends(sandbox.run_folder())["production"], "/folder");
  CHECK(has(read_file(own / "transcript.md"), "was asked about 2 clusters, this one among them"));
}

TEST_CASE("a rollback puts back all clusters of a run, or one, and refuses a changed file") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,renewed,healthy"});
  const auto stored = [&](const std::string& id) {
    return text(sandbox.get("local", {"clusters.management.cattle.io/" + id}), "/status/caCert");
  };
  const auto old = stored("c-x7k2p");
  const auto run = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  const auto folder = sandbox.run_folder();
  auto known = ends(folder);
  const auto second = text(known["store-002"], "/id");
  const auto repaired = stored("c-x7k2p");
  CHECK(repaired != old);
  const auto rollback = [&](const fs::path& from, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"rollback", from.string(), "--yes"};
    args.insert(args.end(), more.begin(), more.end());
    return sandbox.retrust({.args = args, .without = {"--cluster", "--kubeconfig"}});
  };

  // What is offered for one cluster is its own folder.
  const auto one = rollback(folder / text(known["production"], "/folder"));
  CAPTURE(one.all());
  CHECK(one.status == 0);
  CHECK(stored("c-x7k2p") == old);
  const auto again = sandbox.retrust(run_of_all(sandbox));
  REQUIRE(again.status == 0);

  const auto lines =
      folder / text(known["store-002"], "/folder") / "backup" / ("clusters-" + second + ".json");
  const auto saved = read_file(lines);
  std::ofstream(lines, std::ios::app) << " ";
  const auto before = stored(second);
  const auto changed = rollback(folder);
  CAPTURE(changed.all());
  CHECK(changed.status == 4);
  CHECK(stored("c-x7k2p") == old);
  CHECK(stored(second) == before);
  const auto results = ends(sandbox.run_folder());
  CHECK(text(results.at("production"), "/result") == "put back");
  CHECK(results.size() == 2);

  std::ofstream(lines, std::ios::trunc) << saved;
  const auto rest = rollback(folder, {"--cluster", "store-002"});
  CAPTURE(rest.all());
  CHECK(rest.status == 0);
  CHECK(stored(second) != before);
  const auto nothing = rollback(folder);
  CAPTURE(nothing.all());
  CHECK(nothing.status == 0);
  CHECK(has(nothing.out, "Done. 2 nothing to put back."));

  const auto with_one =
      sandbox.retrust({.args = {"rollback", folder.string(), "--yes"}, .without = {"--cluster"}});
  CAPTURE(with_one.all());
  CHECK(with_one.status == 2);
  CHECK(has(with_one.err, "is of several clusters, and --kubeconfig leads to one"));
}

TEST_CASE("options for several clusters are checked before anything is started") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto before = sandbox.changes();
  const auto check = [&](std::vector<std::string> more, const std::string& words) {
    CAPTURE(words);
    const auto wrong = sandbox.retrust(run_of_all(sandbox, std::move(more)));
    CAPTURE(wrong.all());
    CHECK(wrong.status == 2);
    CHECK(has(wrong.err, words));
  };
  check({"--cluster=production"}, "--cluster and --all-clusters were given: one of them");
  check({"--parallel=0"}, "--parallel 0 is no number of clusters");
  check({"--max-failures=x"}, "--max-failures x is no number of clusters");
  check({"--canary=store-009"}, "--canary store-009 is none of the clusters that are meant");
  CHECK(sandbox.changes() == before);
}

}  // namespace
}  // namespace retrust::e2e
