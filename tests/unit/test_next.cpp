#include <sstream>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "observe/parse.h"
#include "report/next.h"
#include "run/saved_cluster.h"
#include "secrets.h"

namespace retrust {
namespace {

const std::vector<std::string> given{"--kubeconfig=down.yaml",
                                     "--context",
                                     "down",
                                     "--local-kubeconfig",
                                     "local.yaml",
                                     "--local-context=local",
                                     "--cluster",
                                     "plan",
                                     "--kubectl",
                                     "/opt/kubectl",
                                     "--namespace=agents",
                                     "--command-timeout",
                                     "7s",
                                     "-otext",
                                     "-v"};

Called called(std::vector<std::string> command, const std::vector<std::string>& more = {}) {
  command.insert(command.end(), given.begin(), given.end());
  command.insert(command.end(), more.begin(), more.end());
  return {"retrust", std::move(command)};
}

Options parsed(const std::vector<std::string>& args) {
  return parse_options(args, [](const std::string&) { return std::nullopt; });
}

/// The words of an advice's command, if it is one of that program.
std::vector<std::string> words_of(const Advice& advice, const std::string& program) {
  std::istringstream stream(advice.command);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.empty() || words.front() != program) return {};
  words.erase(words.begin());
  return words;
}

/// Every sentence that comes next, in any outcome. Of a cluster of which nothing is known much has
/// to be done.
std::vector<Advice> all_next(const Called& by) {
  const auto options = parsed(by.args);
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  auto plan = make_plan(seen, PlanOptions{});
  std::vector<Advice> all;
  const auto add = [&](const std::vector<Advice>& next) {
    all.insert(all.end(), next.begin(), next.end());
  };
  if (options.command == CommandName::status || options.command == CommandName::plan) {
    add(next_after_look(by, options, seen, plan));
    return all;
  }
  add(next_after_change(by, options, seen, plan, Repaired::after_silence, WayBack::rollback,
                        "folder"));
  add(next_after_change(by, options, seen, Plan{}, Repaired::by_agents, WayBack::none, ""));
  add(next_after_failure(by, options, WayBack::rollback, "folder"));
  for (const char* command : {"status", "plan", "run"}) {
    all.push_back(completed(by, Advice::retrust("do it", command)));
  }
  all.push_back(completed(by, Advice::retrust("do it", "step", "2.1")));
  return all;
}

TEST_CASE("a saved plan is named with the way to the clusters, and with nothing that it decides") {
  const auto plan = called({"plan", "--out=plan.json", "--skip=2.2", "--k3s"});
  CHECK(performing(plan, "plan.json").command ==
        "retrust run --plan=plan.json --kubeconfig=down.yaml --context down --local-kubeconfig "
        "local.yaml --local-context=local --kubectl /opt/kubectl --command-timeout 7s "
        "--output=text --verbose");
}

TEST_CASE("a saved plan is performed again before a change, and not after one") {
  Called by{"retrust", {"run", "--plan=plan.json", "--kubeconfig=d", "--local-kubeconfig=l"}};
  by.elsewhere = {"--k3s", "--skip=2.2", "--cluster=c-x7k2p"};
  Options options;
  options.command = CommandName::run;
  const auto again = next_before_change(by, options, {});
  REQUIRE(again.size() == 1);
  CHECK(again.front().command ==
        "retrust run --plan=plan.json --kubeconfig=d --local-kubeconfig=l");
  CHECK(advice_after_no(by, options, BackupMade::no).command == again.front().command);
  const std::string rest =
      "retrust run --kubeconfig=d --local-kubeconfig=l --k3s --skip=2.2 --cluster=c-x7k2p";
  CHECK(next_after_failure(by, options, WayBack::none, "").front().command == rest);
  CHECK(advice_if_killed(by, options).command == rest);
  CHECK(completed(by, Advice::retrust("save another", "plan", "--out=plan.json")).command ==
        "retrust plan --out=plan.json --kubeconfig=d --local-kubeconfig=l --k3s --skip=2.2 "
        "--cluster=c-x7k2p");
  by.elsewhere = {"--no-rancher-backup", "--cluster=c-x7k2p"};
  const auto without = completed(by, Advice::retrust("save another", "plan", "--out=plan.json"));
  CHECK(without.command.ends_with(" --cluster=c-x7k2p --rke-config=FILE"));
  CHECK(without.sentence.find("in place of --rke-config=FILE") != std::string::npos);
}

TEST_CASE("every command that comes next is accepted, and reaches the same clusters") {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"status"}, std::vector<std::string>{"plan"},
        std::vector<std::string>{"run", "-yq", "--run-dir=x", "--timeout", "9s"},
        std::vector<std::string>{"step", "2.1", "--all-pods", "--run-dir", "x"},
        std::vector<std::string>{"rollback", "old", "--overwrite", "-y", "--run-dir", "x"}}) {
    std::size_t commands = 0;
    for (const auto& advice : all_next(called(command))) {
      CAPTURE(advice.text());
      const auto words = words_of(advice, "retrust");
      if (words.empty()) {
        CHECK(advice.text().find("retrust ") == std::string::npos);
        continue;
      }
      ++commands;
      const auto next = parsed(words);
      CHECK(next.kubeconfig == "down.yaml");
      CHECK(next.context == "down");
      CHECK(next.local_kubeconfig == "local.yaml");
      CHECK(next.local_context == "local");
      CHECK(next.cluster == "plan");
      CHECK(next.kubectl == "/opt/kubectl");
      CHECK(next.name_space == "agents");
      CHECK(next.command_timeout == std::chrono::seconds{7});
      CHECK(next.run_dir.empty());
      CHECK(next.backup.kind != BackupChoice::Kind::none);
      if (next.command == CommandName::run) CHECK(next.backup.rke_config == "FILE");
      // Who consented to one command did not consent to another.
      CHECK((!next.consented || words.front() == command.front()));
    }
    CHECK(commands > 0);
  }
}

TEST_CASE("what comes after a list looks at its first cluster") {
  ListedCluster first;
  first.id = "c-x7k2p";
  first.display_name = "production";
  const std::vector<std::string> args{
      "list", "--local-kubeconfig=local.yaml", "-o", "wide", "--warn-days", "30", "-q"};
  const auto next = next_after_list({"retrust", args}, first);
  REQUIRE(next.size() == 1);
  CHECK(next[0].command ==
        "retrust status --cluster=c-x7k2p --local-kubeconfig=local.yaml --quiet --kubeconfig=FILE");
  CHECK(next[0].sentence.find("in place of FILE") != std::string::npos);
  const auto options = parsed(words_of(next[0], "retrust"));
  CHECK(options.cluster == "c-x7k2p");
  // The environment has what a list does not take.
  Called called{"retrust", args, {"--kubeconfig=down.yaml", "--cluster=other"}};
  const auto known = next_after_list(called, first);
  CHECK(parsed(words_of(known[0], "retrust")).kubeconfig == "down.yaml");
  CHECK(parsed(words_of(known[0], "retrust")).cluster == "c-x7k2p");
  CHECK(known[0].sentence.find("FILE") == std::string::npos);
}

TEST_CASE("what comes next keeps the way of calling, and what the environment and the file gave") {
  auto by = called({"plan"});
  by.program = "kubectl retrust";
  by.elsewhere = {"--rancher-container=rancher", "--config=a file", "--yes"};
  Options options;
  options.command = CommandName::plan;
  options.backup.kind = BackupChoice::Kind::container;
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  const auto next = next_after_look(by, options, seen, make_plan(seen, PlanOptions{}));
  REQUIRE(next.size() == 1);
  CHECK(next.front().text().starts_with("do it: kubectl retrust run --kubeconfig=down.yaml "));
  CHECK(next.front().command.ends_with(" --rancher-container=rancher '--config=a file'"));
}

TEST_CASE("a command that a rollback names has a place for what a rollback need not be told") {
  const Called by{"retrust", {"rollback", "old", "--local-kubeconfig=local.yaml"}};
  CHECK(completed(by, Advice::retrust("look", "status")).text() ==
        "look: retrust status --local-kubeconfig=local.yaml --kubeconfig=FILE --cluster=ID");
  CHECK(completed(by, "retrust status shows").text() == "retrust status shows");
}

TEST_CASE("letters that stand together are options of their own in what comes next") {
  const Called by{"retrust", {"run", "-yq", "-ojson", "--kubeconfig", "a", "--cluster=c"}};
  CHECK(completed(by, Advice::retrust("look", "status")).text() ==
        "look: retrust status --quiet --output=json --kubeconfig a --cluster=c");
}

TEST_CASE("a run that is finished leaves out nothing, and does nothing twice") {
  const auto all = all_next(called({"run"}, {"--skip=2.1", "--no-rancher-backup"}));
  CHECK(words_of(all[1], "retrust").front() == "run");
  CHECK(parsed(words_of(all[1], "retrust")).skip.empty());
  // The same again after a failure.
  const auto by = called({"run"}, {"--skip=2.1", "--all", "--no-rancher-backup"});
  const auto next = next_after_failure(by, parsed(by.args), WayBack::rollback, "folder");
  CHECK(parsed(words_of(next.front(), "retrust")).skip.size() == 1);
  REQUIRE(next.size() == 4);
  CHECK(next[2].sentence.starts_with("folder/backup"));
  CHECK(parsed(words_of(next[3], "retrust")).rollback_folder == "folder");
}

TEST_CASE("a waiver of the backup is in no command to paste, and its place is told") {
  for (const auto& waiver : {std::vector<std::string>{"--no-rancher-backup"}, {}}) {
    for (const char* command : {"run", "plan"}) {
      auto by = called({command}, waiver);
      if (waiver.empty()) by.elsewhere = {"--no-rancher-backup"};
      std::string text;
      int commands = 0;
      for (const auto& advice : all_next(by)) {
        CAPTURE(advice.text());
        CHECK(advice.text().find("--no-rancher-backup") == std::string::npos);
        const auto runs = advice.command.starts_with("retrust run ");
        CHECK((advice.command.find("--rke-config=FILE") != std::string::npos) == runs);
        text += advice.text();
        commands += runs ? 1 : 0;
      }
      CHECK(commands > 0);
      CHECK(text.find("in place of --rke-config=FILE give the backup") != std::string::npos);
    }
  }
}

TEST_CASE("after a no it is told what was done, and the command to go on") {
  const auto by = called({"run"}, {"--rke-config", "cluster.yml"});
  const auto nothing = advice_after_no(by, parsed(by.args), BackupMade::no);
  CHECK(nothing.sentence.starts_with("nothing of this was done."));
  const auto backup = advice_after_no(by, parsed(by.args), BackupMade::yes);
  CHECK(backup.sentence.starts_with("the backup that was made stays"));
  for (const auto& text : {nothing, backup}) {
    CHECK(parsed(words_of(text, "retrust")).backup.rke_config == "cluster.yml");
  }
}

TEST_CASE("a failure before any change leaves the same command, where running again mends it") {
  const auto by = called({"run"}, {"--yes", "--rke-config", "cluster.yml", "--skip=3.1"});
  const auto options = parsed(by.args);
  for (const Advice& advice : {Advice("mend that, then run again; see it", "kubectl get pods"),
                               Advice("run again: what is left is done"), Advice()}) {
    const auto next = next_before_change(by, options, advice);
    REQUIRE(next.size() == 1);
    const auto again = parsed(words_of(next.front(), "retrust"));
    CHECK(again.command == CommandName::run);
    CHECK(again.consented);
    CHECK(again.backup.rke_config == "cluster.yml");
    CHECK(again.skip.size() == 1);
  }
  CHECK(next_before_change(by, options, "give another --kubeconfig").empty());
  CHECK(next_before_change(by, options, Advice::retrust("run again, or look", "plan")).empty());
}

TEST_CASE("a backup that was found takes its place in a command, and is told as a proposal") {
  for (const std::string waiver : {"--no-rancher-backup", "--quiet"}) {
    auto by = called({"run"}, {waiver});
    by.offers.distribution = Distribution::k3s;
    const auto next = next_after_failure(by, parsed(by.args), WayBack::none, "folder");
    CHECK(next[0].command.ends_with(" --k3s"));
    CHECK(next[1].sentence ==
          "--k3s is a proposal, as " +
              std::string(waiver == "--quiet" ? "no backup was chosen" : "the backup was waived") +
              ": Rancher's cluster is one of k3s (--k3s, on a server node of it)");
  }
  // A choice that was made is kept.
  auto by = called({"run"}, {"--rancher-backup"});
  by.offers.distribution = Distribution::k3s;
  const auto next = next_after_failure(by, parsed(by.args), WayBack::none, "folder");
  CHECK(next[0].command.find("--k3s") == std::string::npos);
  CHECK(next[1].sentence.starts_with("folder/backup"));
}

TEST_CASE("a printed rollback asks before it puts anything back") {
  const Called by{"retrust", {"rollback", "folder", "--yes", "--local-kubeconfig=local"}};
  std::vector<Advice> next;
  add_backup(next, by, WayBack::rollback, "folder-2");
  const auto options = parsed(words_of(next.back(), "retrust"));
  CHECK(options.rollback_folder == "folder-2");
  CHECK_FALSE(options.consented);
}

TEST_CASE("a rollback is offered only where it has something to put back") {
  const auto by = called({"run"}, {"--no-rancher-backup"});
  std::vector<Advice> next;
  add_backup(next, by, WayBack::none, "folder");
  REQUIRE(next.size() == 1);
  CHECK(next.front().sentence.starts_with("folder/backup has what Rancher had stored"));
  const StoredDigest saved{"token", {"ca"}, ""};
  const StoredDigest in_secret{"token", {"ca"}, "secret"};
  CHECK_FALSE(can_put_back(saved, saved));
  CHECK(can_put_back(saved, {"other", {"ca"}, ""}));
  CHECK(can_put_back(saved, {"token", {"other"}, ""}));
  // What a rollback refuses: Rancher keeps the token in a Secret by now, or has written into it.
  CHECK_FALSE(can_put_back(saved, {"other", {"other"}, "secret"}));
  CHECK_FALSE(can_put_back(in_secret, {"other", {"other"}, "secret"}));
  CHECK(can_put_back(in_secret, {"other", {"ca"}, "another"}));
  CHECK(can_put_back(in_secret, {"token", {"other"}, "secret"}));
}

TEST_CASE("an option of the advice takes the place of the operator's") {
  const auto advice =
      completed(called({"run"}), Advice::retrust("choose one", "status", "--context=other"));
  CHECK(parsed(words_of(advice, "retrust")).context == "other");
  CHECK(advice.command.find("--context down") == std::string::npos);
}

TEST_CASE("the agents' logs are read from the cluster that was repaired") {
  const auto all = all_next(called({"run"}, {"--no-rancher-backup"}));
  CHECK(all.front().text() ==
        "find out why the agents did not report: /opt/kubectl --kubeconfig=down.yaml "
        "--context=down -n "
        "agents logs -l app=cattle-cluster-agent --since=15m");
}

TEST_CASE("an agent that does not run is told with the command that shows why") {
  const auto by = called({"run"}, {"--no-rancher-backup"});
  const auto options = parsed(by.args);
  const auto next_of = [&](const std::string& reason, int restarts) {
    Observation seen;
    seen.local.cluster.id = "c-x7k2p";
    seen.local.cluster.ready.status = "False";
    const auto status = boost::json::parse(fmt::format(
        R"({{"kind": "Pod", "metadata": {{"name": "cattle-cluster-agent-1"}},
            "spec": {{"serviceAccountName": "cattle"}},
            "status": {{"phase": "Running", "containerStatuses": [{{"restartCount": {},
                        "state": {{"waiting": {{"reason": "{}"}}}}}}]}}}})",
        restarts, reason));
    seen.downstream.pods = {parse_pod(status, Side::downstream)};
    Plan nothing;
    std::string all;
    TokenSecret secret;
    secret.name = "cattle-token-x";
    secret.credentials = {test::secret_of("good"), "ca"};
    seen.downstream.tokens = {secret};
    seen.local.cluster.stored = secret.credentials;
    for (const auto& advice : next_after_look(by, options, seen, nothing)) all += advice.text();
    return all;
  };
  CHECK(next_of("CrashLoopBackOff", 44)
            .find("does not run: CrashLoopBackOff, 44 restarts; see why: "
                  "/opt/kubectl --kubeconfig=down.yaml --context=down -n "
                  "agents logs cattle-cluster-agent-1 --previous") != std::string::npos);
  CHECK(next_of("ImagePullBackOff", 0).find("agents describe pod cattle-cluster-agent-1") !=
        std::string::npos);
  CHECK(next_of("ContainerCreating", 0).find("tries again") != std::string::npos);
  // Between two restarts its container runs for a moment.
  CHECK(next_of("", 44).find("does not run: not ready, 44 restarts") != std::string::npos);
}

TEST_CASE("where Rancher gives no message with its Ready, its log is named") {
  const auto by = called({"run"}, {"--no-rancher-backup"});
  const auto next_of = [&](const std::string& message) {
    Observation seen;
    seen.local.cluster.id = "c-x7k2p";
    seen.local.cluster.ready.status = "False";
    seen.local.cluster.ready.message = message;
    TokenSecret secret;
    secret.name = "cattle-token-x";
    secret.credentials = {test::secret_of("good"), "ca"};
    seen.downstream.tokens = {secret};
    seen.local.cluster.stored = secret.credentials;
    std::string all;
    for (const auto& advice : next_after_look(by, parsed(by.args), seen, {})) all += advice.text();
    return all;
  };
  CHECK(next_of("").find("which Rancher's log tells") != std::string::npos);
  CHECK(next_of("x").find("which its message tells") != std::string::npos);
}

}  // namespace
}  // namespace retrust
