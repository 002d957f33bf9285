// --rancher-backup: the Rancher backup operator saves Rancher before the first change.
#include <algorithm>
#include <csignal>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> with_operator(const std::string& version, const std::string& fault = {}) {
  std::vector<std::string> options{"--backup-operator", version};
  if (!fault.empty()) options.insert(options.end(), {"--fault", "backup=" + fault});
  return options;
}

/// What was changed, without the Backup.
std::vector<std::string> other_changes(const Sandbox& sandbox) {
  auto changes = sandbox.changes();
  std::erase_if(changes, [](const std::string& each) { return has(each, "backups.resources"); });
  return changes;
}

/// The one Backup in the local cluster.
boost::json::value backup_of(Sandbox& sandbox) {
  const auto list = sandbox.get("local", {"backups.resources.cattle.io"});
  const auto& items = list.at("items").as_array();
  REQUIRE(items.size() == 1);
  return items.front();
}

Result run_with_backup(Sandbox& sandbox, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"run", "--yes", "--rancher-backup"});
  return sandbox.retrust(more);
}

TEST_CASE("the backup operator saves Rancher before the first change, and where is told") {
  std::string version;
  std::string set;
  SUBCASE("of version 6") {
    version = "6";
    set = "rancher-resource-set";
  }
  SUBCASE("of version 11, whose basic set leaves Secrets out") {
    version = "11";
    set = "rancher-resource-set-full";
  }
  Sandbox sandbox(with_operator(version));
  const auto plan = sandbox.retrust({"plan", "--rancher-backup"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out,
            "1.3  backup-rancher        needed      the Rancher backup operator saves what "
            "its resource set " +
                set + " names, as Backup retrust-c-x7k2p-"));
  CHECK(has(plan.out, "is not encrypted: who can read that storage can read Rancher's secrets"));
  CHECK(has(plan.err + plan.out, "do it: retrust run --rancher-backup --kubeconfig "));
  CHECK(sandbox.changes().empty());

  const auto run = run_with_backup(sandbox);
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  const auto backup = backup_of(sandbox);
  CHECK(text(backup, "/spec/resourceSetName") == set);
  CHECK(has(sandbox.changes().front(), "backups.resources.cattle.io"));
  // It is complete before anything else is changed.
  const auto events = sandbox.events();
  const auto completed = std::find_if(events.begin(), events.end(), [](const auto& each) {
    return has(each, "backup-operator completed");
  });
  const auto gone = std::find_if(events.begin(), events.end(),
                                 [](const auto& each) { return has(each, "workload gone"); });
  REQUIRE(completed != events.end());
  CHECK(completed < gone);
  const auto file = text(backup, "/status/filename");
  CHECK(has(document_words(sandbox.run_folder()),
            "Result: the backup operator saved Rancher as " + file + " in S3.\n"));
  CHECK(has(transcripts(sandbox.run_folder()), "| 1.3     | backup-rancher "));
}

TEST_CASE("an error of the operator that passes is no failure") {
  Sandbox sandbox(with_operator("11", "fails-once"));
  const auto run = run_with_backup(sandbox);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(transcripts(sandbox.run_folder()),
            "the backup operator says: the server is currently unable to handle the request; it "
            "tries again"));
}

TEST_CASE("a backup that is not completed ends the run before any change") {
  std::string fault;
  std::vector<std::string> told;
  SUBCASE("the operator fails") {
    fault = "fails";
    told = {": Access Denied.", "the operator tries on; see it: "};
  }
  SUBCASE("the operator has no storage") {
    fault = "nowhere";
    told = {"needs to specify S3 details",
            "give the operator a storage: its chart rancher-backup has the values"};
  }
  SUBCASE("the operator does not run") {
    fault = "silent";
    told = {" within 2.0 s, and reports no error",
            "get pods --all-namespaces -l resources.cattle.io/operator=backup-restore"};
  }
  Sandbox sandbox(with_operator("11", fault));
  const auto run = run_with_backup(sandbox, {"--timeout", "2s"});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  const auto name = text(backup_of(sandbox), "/metadata/name");
  CHECK(has(run.err, "the Rancher backup operator did not complete the Backup " + name));
  for (const auto& part : told) CHECK(has(run.err, part));
  CHECK(has(run.err, "describe backups.resources.cattle.io/" + name));
  const auto kept = "Nothing was changed apart from the backup, which stays: the Backup " + name +
                    " in the local cluster. ";
  CHECK(has(run.out, "Not done. " + kept));
  CHECK(has(document_words(sandbox.run_folder()), "**Refused.** " + kept));
  CHECK(other_changes(sandbox).empty());
}

TEST_CASE("a refusal after a backup tells that the backup stays, and nothing else") {
  Sandbox sandbox(with_operator("11", "silent"));
  const auto child = sandbox.start({.args = {"run", "--yes", "--rancher-backup"}});
  wait_until("the Backup is waited for", [&] {
    return has(transcripts(sandbox.run_folder()), "for the backup operator to complete");
  });
  const auto write = [&](const boost::json::value& object, const std::string& at) {
    const auto path = sandbox.directory() / "object.json";
    write_file(path, boost::json::serialize(object));
    const auto done = sandbox.kubectl("local", {"replace", "--raw", at, "-f", path.string()});
    CAPTURE(done.all());
    REQUIRE(done.status == 0);
  };
  // Meanwhile somebody else deletes the cluster from Rancher.
  auto cluster = sandbox.get("local", {"clusters.management.cattle.io/c-x7k2p"});
  auto& metadata = cluster.at("metadata").as_object();
  metadata["deletionTimestamp"] = "2026-11-26T03:00:00Z";
  metadata["finalizers"] =
      boost::json::array{"controller.cattle.io/cluster-agent-controller-cleanup"};
  write(cluster, "/apis/management.cattle.io/v3/clusters/c-x7k2p");
  auto backup = backup_of(sandbox);
  const auto name = text(backup, "/metadata/name");
  backup.as_object()["status"] = boost::json::parse(
      R"({"lastSnapshotTs": "2026-11-25T04:20:00Z", "filename": "rancher.tar.gz",
          "storageLocation": "S3", "conditions": [{"type": "Ready", "status": "True"}]})");
  write(backup, "/apis/resources.cattle.io/v1/backups/" + name + "/status");
  CHECK(child->wait() == 4);
  CAPTURE(child->out() + child->err());
  const auto kept = "Nothing was changed apart from the backup, which stays: the Backup " + name;
  CHECK(has(child->out(), "Not done. " + kept));
  CHECK(has(document_words(sandbox.run_folder()), "**Refused.** " + kept));
}

TEST_CASE("without the operator, or a resource set with Secrets, nothing is begun") {
  std::vector<std::string> options;
  std::string told;
  SUBCASE("no operator") {
    told = "the Rancher backup operator is not installed in the local cluster";
  }
  SUBCASE("no resource set with Secrets") {
    options = with_operator("11", "basic-only");
    told = "the Rancher backup operator has no resource set for all of Rancher";
  }
  Sandbox sandbox(options);
  for (const auto& call : {std::vector<std::string>{"plan", "--rancher-backup"},
                           {"run", "--yes", "--rancher-backup"},
                           {"run", "--yes", "--rancher-backup", "--no-session"},
                           {"step", "backup-rancher", "--rancher-backup"}}) {
    const auto result = sandbox.retrust(call);
    CAPTURE(result.all());
    CHECK(result.status == 4);
    CHECK(has(result.err, told));
    CHECK(has(result.err, "chart rancher-backup"));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("who may not create a Backup is told so before any change") {
  Sandbox sandbox(with_operator("11"));
  const auto limited = sandbox.file("local-limited.kubeconfig");
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--rancher-backup"}, .local_kubeconfig = limited});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "create backups.resources.cattle.io (local cluster)"));
  CHECK(sandbox.changes().empty());
  const auto step =
      sandbox.retrust({.args = {"step", "1.3", "--rancher-backup"}, .local_kubeconfig = limited});
  CAPTURE(step.all());
  CHECK(step.status == 4);
  CHECK(has(step.err, "the Rancher backup operator was not asked for a backup"));
  CHECK(has(document_words(sandbox.run_folder()), "**Refused: nothing was changed.**"));
  const auto backups = sandbox.get("local", {"backups.resources.cattle.io"});
  CHECK(backups.at("items").as_array().empty());
}

TEST_CASE("an interrupted run says that the Backup stays, and how to see it") {
  Sandbox sandbox(with_operator("11", "silent"));
  const auto child = sandbox.start({.args = {"run", "--yes", "--rancher-backup"}});
  wait_until("the Backup is there", [&] { return !sandbox.changes().empty(); });
  const auto name = text(backup_of(sandbox), "/metadata/name");
  wait_until("it is waited for", [&] {
    return has(transcripts(sandbox.run_folder()), "for the backup operator to complete");
  });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CHECK(has(child->err(), "if the Backup " + name + " was created, it stays in the local cluster"));
  CHECK(has(child->err(), "describe backups.resources.cattle.io/" + name));
  CHECK(other_changes(sandbox).empty());
}

TEST_CASE("a backup by the operator alone is a step") {
  Sandbox sandbox(with_operator("7"));
  const auto wrong = sandbox.retrust({"step", "backup-rancher"});
  CHECK(wrong.status == 2);
  CHECK(has(wrong.err, "give --rancher-backup, and no other choice of a backup"));
  const auto step = sandbox.retrust({"step", "1.3", "--rancher-backup"});
  CAPTURE(step.all());
  CHECK(step.status == 0);
  CHECK_FALSE(text(backup_of(sandbox), "/status/lastSnapshotTs").empty());
  CHECK(other_changes(sandbox).empty());
}

/// The command of retrust that a text offers, from its program on.
std::string offered(const std::string& text) {
  const auto begin = text.find("retrust run ");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

TEST_CASE("the backup that fits Rancher's cluster is proposed where none was chosen") {
  std::vector<std::string> options;
  std::string option;
  std::string why;
  SUBCASE("k3s") {
    options = {"--local-kubernetes", "v1.30.4+k3s1"};
    option = " --k3s";
    why = "Rancher's cluster is one of k3s (--k3s, on a server node of it)";
  }
  SUBCASE("RKE2") {
    options = {"--local-kubernetes", "v1.31.1+rke2r1"};
    option = " --rke2";
    why = "Rancher's cluster is one of RKE2 (--rke2, on a server node of it)";
  }
  SUBCASE("the backup operator") {
    options = {"--backup-operator", "11", "--local-kubernetes", "v1.30.4+k3s1"};
    option = " --rancher-backup";
    why = "the Rancher backup operator is installed in Rancher's cluster (--rancher-backup) and ";
  }
  SUBCASE("nothing of these") {
    option = " --rke-config=FILE";
  }
  Sandbox sandbox(options);
  // Who may only read gets the same proposal.
  for (const auto* user : {"local", "local-limited"}) {
    Sandbox::Call call{.args = {"run", "--yes", "--skip", "3.1"}};
    call.local_kubeconfig = sandbox.file(user + std::string(".kubeconfig"));
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 2);
    CHECK(has(run.err, "no choice was made about a backup of Rancher"));
    CHECK(has(run.err, why));
    CHECK(offered(run.err).empty() == why.empty());
    CHECK(has(offered(run.err) + option, option));
    CHECK_FALSE(has(offered(run.err), "--no-rancher-backup"));
    if (!why.empty()) CHECK(has(offered(run.err), " --skip 3.1"));
  }
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(offered(plan.all()), option));
  CHECK(has(plan.all(), why));
  CHECK(has(plan.all(), "is a proposal, as no backup was chosen") == !why.empty());
  // A choice that was made is kept.
  const auto chosen = sandbox.retrust({"plan", "--rancher-backup", "--no-session"});
  CHECK_FALSE(has(chosen.all(), "is a proposal"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a version or a node alone tells k3s, and a denied read costs only its answer") {
  const std::string k3s = "v1.30.4+k3s1";
  Sandbox by_node(
      {"--local-kubernetes", k3s, "--hostile", R"(local version/gitVersion json="v1.30.4")"});
  CHECK_FALSE(has(by_node.kubectl("local", {"get", "--raw", "/version"}).out, "k3s"));
  const auto plan = by_node.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(offered(plan.all()), " --k3s"));
  Sandbox by_version({"--local-kubernetes", k3s, "--hostile", "local nodes refuse=403"});
  CHECK(by_version.kubectl("local", {"get", "nodes"}).status != 0);
  CHECK(has(offered(by_version.retrust({"plan"}).all()), " --k3s"));
}

TEST_CASE("a run without a choice is refused soon where Rancher's cluster does not answer") {
  Sandbox sandbox({"--backup-operator", "11"});
  sandbox.tell("stop local");
  const auto run = sandbox.retrust({"run", "--yes"});
  CAPTURE(run.all());
  CHECK(run.status == 2);
  CHECK(has(run.err, "no choice was made about a backup of Rancher"));
  CHECK_FALSE(has(run.all(), "refused"));
}

}  // namespace
}  // namespace retrust::e2e
