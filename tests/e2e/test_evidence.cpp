// What transcript.md tells a reader who was not there.
#include <algorithm>
#include <signal.h>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string transcript(const Sandbox& sandbox) {
  return read_file(sandbox.run_folder() / "transcript.md");
}

/// The words of a transcript without the marks of code spans; blocks keep theirs.
std::string words(const Sandbox& sandbox) {
  return document_words(sandbox.run_folder());
}

TEST_CASE("the head tells which clusters and programs took part, after any end") {
  Sandbox sandbox;
  const auto server = [&](const std::string& side) {
    const auto view = sandbox.kubectl(
        side, {"config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"});
    return view.out;
  };
  const auto where = [&](const std::string& side) {
    return " at " + server(side) + ", kube-system " +
           text(sandbox.get(side, {"namespace", "kube-system"}), "/metadata/uid") + "\n";
  };
  const std::string production = "\n- downstream cluster: production (c-x7k2p)";
  const auto check = [&](const std::string& downstream) {
    const auto text = words(sandbox);
    CAPTURE(text);
    for (const auto* row : {"\n- started: 20", "\n- duration: ", "\n- operator: ",
                            "\n- directory: /", "\n- Rancher: v2.4", "\n- kubectl: v1."}) {
      CHECK(has(text, row));
    }
    CHECK(has(text, production + where(downstream)));
    CHECK(has(text, "\n- local cluster: local" + where("local")));
  };
  // The wrong cluster is named as what it is.
  const auto other_file = sandbox.directory() / "local-too.kubeconfig";
  fs::copy_file(sandbox.file("local.kubeconfig"), other_file);
  CHECK(sandbox
            .retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                      .kubeconfig = other_file.string()})
            .status == 4);
  check("local");
  CHECK(has(words(sandbox), "**Refused: nothing was changed.** both kubeconfigs"));
  REQUIRE(sandbox
              .retrust({.args = {"run"},
                        .environment = {{"RETRUST_YES", "true"},
                                        {"RETRUST_NO_RANCHER_BACKUP", "1"},
                                        {"SUDO_USER", "ada"}}})
              .status == 0);
  check("downstream");
  CHECK(has(words(sandbox), "\n- Kubernetes: v1.20"));
  CHECK(has(words(sandbox), ", by sudo of ada\n"));
  CHECK(has(words(sandbox), "\n- options from environment and file: --no-rancher-backup --yes\n"));
  const auto run = sandbox.run_folder().string();
  CHECK(sandbox.retrust({"rollback", run, "--yes"}).status == 0);
  check("downstream");
  CHECK(has(words(sandbox),
            "**Put back.** Rancher has stored again what was saved, and does not reach production "
            "(c-x7k2p) with it: the cluster rejects that token; Rancher "));
  // What the record holds is no sign that Rancher is well.
  wait_until("Rancher complains", [&] { return sandbox.ready() == "False"; });
  CHECK(sandbox.retrust({"rollback", run, "--yes"}).status == 0);
  CHECK(has(words(sandbox),
            "**Nothing to put back.** Rancher has stored what was saved; Rancher says Ready "
            "False: "));
  CHECK(has(words(sandbox), "- see what Rancher and the cluster have: retrust status "));
}

TEST_CASE("a backup that the operator waived is told as waived, not as needless") {
  Sandbox sandbox;
  const std::string waived = "waived by the operator (--no-rancher-backup)";
  const auto plan = sandbox.retrust({"plan", "--no-rancher-backup"});
  CHECK(has(plan.out, "1.1  backup-container      waived      " + waived + "\n"));
  CHECK(has(plan.out, "  the backup of Rancher is " + waived + "\n"));
  const auto json = sandbox.retrust({"plan", "--no-rancher-backup", "-o", "json"}).out;
  CHECK(has(json, R"("name":"backup-etcd","need":"waived")"));
  // A step that only reads is no need of anybody's.
  CHECK(has(json, R"("name":"get-token","need":"reads")"));
  // Who has made no choice has waived nothing.
  CHECK_FALSE(has(sandbox.retrust({"plan"}).out, "waived"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  CHECK(has(run.out, "1.2  backup-etcd           waived      " + waived + "\n"));
  CHECK(has(run.out, "; the backup of Rancher was " + waived + ". Exit status 0."));
  const auto text = words(sandbox);
  CAPTURE(text);
  CHECK(has(text, "; the backup of Rancher was " + waived + ". Exit status 0."));
  CHECK(has(text, "\n- backup of Rancher: " + waived + "\n"));
  CHECK(has(text, "| 1.1     | backup-container     | waived "));
  CHECK_FALSE(has(text, "| 1.2     | backup-etcd          | not needed"));
}

TEST_CASE("a transcript says what was changed, what came of each step and what is left") {
  Sandbox sandbox;
  CHECK(sandbox.run().status == 0);
  auto told = words(sandbox);
  CAPTURE(told);
  CHECK(has(told,
            "**Done.** Rancher has stored the live token and CA of production (c-x7k2p), and "
            "https://127.0.0.1"));
  CHECK(has(told, " was reached with them; Rancher says Ready True; the backup of Rancher was "));
  CHECK(has(told, "## Before 2.1 delete-token\n\n- nobody was asked: --yes was given\n- "));
  CHECK(has(told, "retrust holds the Lease retrust in c-x7k2p of the local cluster\n"));
  CHECK(has(told, " 2.1 deleting token secret cattle-token-"));
  CHECK(has(told, " 2.2 deleting 2 pods: "));
  CHECK(has(told, "Result: new agents run: "));
  CHECK(has(told, "Result: Rancher has stored the live token and CA.\n"));
  CHECK(has(told, "/backup has what Rancher had stored, the old token included"));
  CHECK(has(told, "\n- to undo this run, put that back: retrust rollback "));
  CHECK(has(told, "  # given: "));
  // The command of 2.5 runs while the agents start, and is shown where it belongs.
  const auto check = told.substr(std::min(told.find("## 2.5 check-cluster"), told.size()));
  CHECK(has(check.substr(0, check.find("\n## ", 1)), "get clusters.management.cattle.io/c-x7k2p "));

  CHECK(sandbox.run().status == 0);
  told = words(sandbox);
  CHECK(has(told, "**Done.** Nothing was needed: Rancher has stored"));
  CHECK(has(told, "\n## Changes\n\nNone.\n"));
  CHECK_FALSE(has(told, "not reached"));
  CHECK(has(told, "\n## Left to do\n\nNothing.\n"));
}

TEST_CASE("a Secret that Rancher has just named is read before anything is said of it") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  CHECK(sandbox.run().status == 0);
  const auto told = words(sandbox);
  CAPTURE(told);
  CHECK_FALSE(has(told, "is gone"));
  CHECK_FALSE(has(told, "## 2.5 update-cluster"));
  CHECK_FALSE(has(told, "retrust wrote them"));
  CHECK(has(told, "| check-cluster        | done "));
  CHECK(has(told, "- the cluster rejects 3 tokens that Rancher gave its users or agents there"));
  CHECK(has(told, "- the cluster rejects 1 token there that nobody would make again"));
}

TEST_CASE("what is left is said after a single step, and after an interruption") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  CHECK(sandbox.retrust({"step", "2.1", "--yes"}).status == 0);
  auto told = words(sandbox);
  CHECK(has(told, "**Done.** 2.1 delete-token was done, and nothing else. Exit status 0."));
  CHECK(has(told, "- still needed: 2.2 recreate-agents; do what is left: retrust run "));
  // Rancher's record is as it was: a rollback could put nothing back, least of all that token.
  CHECK_FALSE(has(told, "put that back"));
  CHECK(has(told, "/backup has what Rancher had stored"));

  const auto child = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"}});
  const auto events = sandbox.run_folder() / "transcript.jsonl";
  wait_until("the report is waited for", [&] {
    return fs::exists(events) && has(read_file(events), "to be stored in Rancher");
  });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  told = words(sandbox);
  CAPTURE(told);
  CHECK(has(told, "**Interrupted.** interrupted by signal 2 (Interrupt). Exit status 130.\n"));
  CHECK(has(told, " 2.2 deleting 2 pods: "));
  CHECK(has(told, "| check-cluster        | interrupted |"));
  CHECK(has(told, "- what was changed stays; do what is left: retrust run "));
  CHECK(has(told, "/backup has what Rancher had stored"));

  // By itself the repair waits for no report, and is proven too.
  CHECK(sandbox.retrust({"step", "update-cluster", "--yes"}).status == 0);
  told = words(sandbox);
  CAPTURE(told);
  CHECK(has(told, "\nstored and live credentials differ.\n"));
  CHECK(has(told, "; retrust wrote them; Rancher says"));
  CHECK(has(told, "\n- to undo this run, put that back: retrust rollback "));
  CHECK(has(told, "+++ stored in Rancher now"));
  CHECK(has(told, "on standard input: Cluster c-x7k2p, resourceVersion "));

  sandbox.renew();
  CHECK(sandbox.retrust({"step", "2.5", "--timeout", "1s"}).status == 3);
  CHECK(has(words(sandbox),
            "**Stored and live credentials differ.** 2.5 check-cluster was done, and nothing "
            "else. Exit status 3.\n"));
  CHECK(has(words(sandbox), "## Left to do\n\n- still needed: "));
}

TEST_CASE("a token that the cluster rejects is not written where its replacement was left out") {
  Sandbox sandbox;
  const auto run = sandbox.run({"--skip", "2.1,2.2", "--timeout", "1s"});
  CHECK(run.status == 1);
  CHECK(has(run.err, "the cluster rejects the token in cattle-token-"));
  CHECK(has(run.err, "run without --skip 2.1, which replaces it"));
  CHECK_FALSE(has(run.err, "--service-account-private-key-file"));
}

TEST_CASE("that a token was printed, and who said yes, is in the transcript") {
  Sandbox sandbox;
  const auto rejected = sandbox.retrust({"step", "get-token", "--quiet"});
  CHECK(rejected.status == 0);
  CHECK(lines_of(rejected.out).size() == 1);
  CHECK(has(rejected.err, "the cluster rejects the token in cattle-token-"));
  CHECK(has(rejected.err, "see what replaces it: retrust plan --quiet --kubeconfig "));
  CHECK(has(words(sandbox), "**The cluster rejects this token.** 2.3 get-token was done"));
  CHECK(has(words(sandbox), "- the token itself was printed to standard output"));
  CHECK(sandbox.answered({.args = {"run", "--no-rancher-backup"}}, "no\n").status == 7);
  CHECK(has(words(sandbox), " was asked: 2.2 restarts Rancher's agents, "));
  CHECK(has(words(sandbox), "Do this to cluster production (c-x7k2p): 2.1 delete-token, "));
  CHECK(has(words(sandbox), "update-cluster? The answer was not yes.\n"));
  CHECK(has(words(sandbox), "**Declined: nothing was changed.**"));
  CHECK(has(words(sandbox),
            "## Left to do\n\n- nothing of this was done. To do it, give the command again and "
            "answer yes (in place of --rke-config=FILE give the backup of Rancher that fits: "
            "--rke-config FILE, --rancher-container NAME, --k3s, --rke2 or --rancher-backup): "
            "retrust run "));
}

TEST_CASE("a command that changes something may print what it likes, and warn") {
  Sandbox sandbox;
  const auto hostile = sandbox.directory() / "hostile-kubectl";
  write_file(hostile,
             "#!/bin/sh\ncase \" $* \" in *' delete pod/'*)\n"
             "printf '<b>html</b> `ticks` ``` {code} \\033[31mred\\n````\\n# Result\\n'\n"
             "yes 'one of many lines' | head -n 10000\n"
             "echo 'Warning: deprecated' >&2 ;; esac\n"
             "exec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(hostile, fs::perms::owner_all);
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--no-rancher-backup"}, .kubectl = hostile.string()});
  CAPTURE(run.err);
  CHECK(run.status == 0);
  CHECK_FALSE(has(run.all(), "\033"));
  const auto told = transcript(sandbox);
  CHECK(told.size() < 64U * 1024U);
  CHECK_FALSE(has(told, "\033"));
  // What is printed is in a block that none of it ends, and its warning with it.
  const auto begin =
      told.find("\n`````\n<b>html</b> `ticks` ``` {code} ?[31mred\n````\n# Result\n");
  REQUIRE(begin != std::string::npos);
  const auto block = told.substr(begin, told.find("\n`````\n", begin + 1) - begin);
  CHECK(has(block, " bytes left out …\n"));
  CHECK(has(block, "Warning: deprecated"));
}

TEST_CASE("names from a cluster are no markup") {
  Sandbox sandbox;
  sandbox.kubectl("local",
                  {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge", "-p",
                   R"({"spec":{"displayName":"<i>*a*</i> `b` {code} | \u001b[31m"}})"});
  CHECK(sandbox.run().status == 0);
  const auto told = transcript(sandbox);
  CHECK(
      has(told, "- downstream cluster: `<i>*a*</i>` `` `b` `` `{code}` `|` `?[31m` (c-x7k2p) at "));
}

}  // namespace
}  // namespace retrust::e2e
