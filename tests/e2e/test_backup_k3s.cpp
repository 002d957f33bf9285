// Section 1.2 where Rancher runs on k3s or RKE2: a snapshot of etcd before anything is changed.
// Both are played by the script `k3s` beside this file.
#include <cstdlib>
#include <filesystem>
#include <signal.h>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two clusters, and a k3s or rke2 of that manner on PATH.
class Node {
 public:
  explicit Node(Sandbox& sandbox, std::string program = "k3s")
      : sandbox_(sandbox), program_(std::move(program)) {
    const auto bin = sandbox.directory() / "bin";
    fs::create_directories(bin);
    fs::create_directories(data() / "server/db/etcd/member");
    fs::create_directories(data() / "agent");
    fs::create_directories(data() / "bin");
    const auto link = bin / program_;
    if (!fs::exists(link)) fs::create_symlink(std::getenv("RETRUST_TEST_K3S"), link);
    // RKE2's own kubectl.
    const auto kubectl = data() / "bin/kubectl";
    write_file(kubectl, "#!/bin/sh\nexec '" + link.string() + "' kubectl \"$@\"\n");
    fs::permissions(kubectl, fs::perms::owner_all);
    kubeconfig = sandbox.file("local.kubeconfig");
  }

  std::string kubeconfig;  ///< of the cluster that the node is of

  fs::path data() const { return sandbox_.directory() / "data"; }
  std::string option() const { return "--" + program_; }

  Sandbox::Call call(std::vector<std::string> args, const std::string& manner = "success",
                     const std::string& format = "pipe") const {
    Sandbox::Call made;
    args.push_back(option());
    made.args = std::move(args);
    made.environment = {
        {"PATH", (sandbox_.directory() / "bin").string() + ":" + std::getenv("PATH")},
        {"K3S_DATA_DIR", data().string()},
        {"RKE2_DATA_DIR", data().string()},
        {"RETRUST_TEST_K3S_LOG", log().string()},
        {"RETRUST_TEST_K3S_KUBECONFIG", kubeconfig},
        {"RETRUST_TEST_K3S_FORMAT", format},
        {"RETRUST_TEST_K3S_MANNER", manner}};
    return made;
  }
  Sandbox::Call run(const std::string& manner = "success",
                    const std::string& format = "pipe") const {
    return call({"run", "--yes", "--timeout", "30s"}, manner, format);
  }

  /// The starts that asked for a snapshot, a line each.
  std::vector<std::string> snapshots() const {
    auto starts = lines_of(read_file(log()));
    std::erase_if(starts, [](const std::string& line) { return !has(line, "save"); });
    return starts;
  }
  bool started() const { return fs::exists(log()); }

 private:
  fs::path log() const { return sandbox_.directory() / "k3s.log"; }

  Sandbox& sandbox_;
  std::string program_;
};

TEST_CASE("the snapshot is taken first, and the transcript names it, its place and its size") {
  std::string program = "k3s";
  std::string manner = "success";
  std::string format = "pipe";
  std::string place = "server/db/snapshots";
  SUBCASE("by k3s") {}
  SUBCASE("by RKE2") {
    program = "rke2";
  }
  SUBCASE("as on a terminal") {
    format = "terminal";
  }
  SUBCASE("by one that takes it itself") {
    manner = "old";
  }
  SUBCASE("compressed") {
    manner = "old-zip";
  }
  SUBCASE("in another folder, by its configuration") {
    manner = "elsewhere";
    place = "elsewhere";
  }
  Sandbox sandbox;
  const Node node(sandbox, program);
  const auto run = sandbox.retrust(node.run(manner, format));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(run.err.empty());
  CHECK(sandbox.ready() == "True");
  REQUIRE(node.snapshots().size() == 1);
  CHECK(node.snapshots().front().starts_with(program + " etcd-snapshot save --name SNAPSHOT-20"));

  const auto files = fs::directory_iterator(node.data() / place);
  const auto file = files->path();
  const auto transcript = read_file(sandbox.run_folder() / "transcript.jsonl");
  CHECK(has(transcript, "snapshot " + file.filename().string() + " was taken on this node"));
  CHECK(has(transcript, "there it is " + file.string() + " (" +
                            std::to_string(fs::file_size(file)) + " bytes)"));
  CHECK(has(transcript, (node.data() / "server/token").string()));
  CHECK(has(transcript, program + " version v1.30.6"));
  const auto taken = transcript.find("was taken on this node");
  CHECK(taken < transcript.find("saved the clusters resource"));
  CHECK(taken < transcript.find("deleting token secret"));
  CHECK(has(read_file(sandbox.run_folder() / "transcript.md"), "## 1.2 backup-etcd"));
}

TEST_CASE("a snapshot that fails: its own words, what to do, and nothing is changed") {
  struct Case {
    std::string manner;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases{
      {"old-failure", {"no space left on device", "did not say that the snapshot was saved"}},
      {"lost", {"there is no such file"}},
      {"empty", {"its file is empty"}},
      {"sqlite",
       {"etcd datastore disabled", "SQLite", "systemctl stop k3s", "server/db",
        "--no-rancher-backup"}},
      {"old-sqlite", {"etcd database not found", "SQLite", "--no-rancher-backup"}},
      {"agent", {"this node is no server of k3s", "on a server node"}},
      {"user", {"for root alone", "run retrust as root"}},
      {"down", {"connection refused", "systemctl status k3s"}},
      {"busy", {"snapshot save already in progress"}},
  };
  Sandbox sandbox;
  const auto before = sandbox.versions();
  const Node node(sandbox);
  for (const auto& each : cases) {
    for (const std::string format : {"pipe", "terminal"}) {
      CAPTURE(each.manner);
      CAPTURE(format);
      const auto run = sandbox.retrust(node.run(each.manner, format));
      CAPTURE(run.all());
      CHECK(run.status == 4);
      for (const auto& words : each.words) {
        CAPTURE(words);
        CHECK(has(run.err, words));
      }
      // What it says that it saved may be there all the same.
      const auto said = each.manner == "lost" || each.manner == "empty";
      CHECK(has(run.err, said ? "nothing else was changed" : "nothing was changed"));
      CHECK(has(run.out, "stays: etcd's snapshot ") == said);
      CHECK(has(read_file(sandbox.run_folder() / "transcript.jsonl"), "\"status\":4"));
    }
  }
  CHECK(sandbox.changes().empty());
  CHECK(sandbox.versions() == before);
}

TEST_CASE("a node on which none can be taken is told from its files, before anything is asked") {
  Sandbox sandbox;
  const Node node(sandbox);
  std::string said;
  SUBCASE("SQLite") {
    fs::remove_all(node.data() / "server/db/etcd/member");
    write_file(node.data() / "server/db/state.db", "SQLite format 3");
    said = "SQLite";
  }
  SUBCASE("an agent") {
    fs::remove_all(node.data() / "server");
    said = "this node is no server of k3s";
  }
  for (const auto& args :
       {std::vector<std::string>{"plan"}, std::vector<std::string>{"run", "--yes"},
        std::vector<std::string>{"step", "1.2"}}) {
    const auto refused = sandbox.retrust(node.call(args));
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, said));
  }
  CHECK(node.snapshots().empty());
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a node of another cluster, or of none that can be told, is refused") {
  std::string program = "k3s";
  SUBCASE("k3s") {}
  SUBCASE("RKE2") {
    program = "rke2";
  }
  Sandbox sandbox;
  Node node(sandbox, program);
  node.kubeconfig = sandbox.file("downstream.kubeconfig");
  for (const auto& args :
       {std::vector<std::string>{"plan"}, std::vector<std::string>{"run", "--yes"},
        std::vector<std::string>{"step", "1.2"}}) {
    const auto refused = sandbox.retrust(node.call(args));
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, "this node is not of the cluster that Rancher runs in"));
  }
  node.kubeconfig = (sandbox.directory() / "nowhere").string();
  const auto unknown = sandbox.retrust(node.run());
  CAPTURE(unknown.all());
  CHECK(unknown.status == 4);
  CHECK(has(unknown.err, "cannot tell which cluster this node is of"));
  CHECK(node.snapshots().empty());
  CHECK(sandbox.changes().empty());
}

TEST_CASE("Ctrl-C while k3s works: 130, recorded, and nothing is changed") {
  Sandbox sandbox;
  const Node node(sandbox);
  const auto child = sandbox.start(node.run("hang"));
  wait_until("k3s works", [&] { return !node.snapshots().empty(); });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CHECK(has(transcripts(sandbox.run_folder()), "\"status\":130"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("plan shows the command, and takes no snapshot; status does not even look") {
  Sandbox sandbox;
  const Node node(sandbox);
  const auto plan = sandbox.retrust(node.call({"plan", "--snapshot-name", "before-renewal"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "1.2  backup-etcd           needed"));
  CHECK(has(plan.out, "k3s etcd-snapshot save --name before-renewal"));
  CHECK(has(plan.out, (node.data() / "server/db/snapshots").string()));
  CHECK(node.started());
  CHECK(node.snapshots().empty());

  fs::remove(sandbox.directory() / "k3s.log");
  auto call = node.call({"status"});
  call.args.pop_back();
  call.environment["RETRUST_K3S"] = "true";
  const auto status = sandbox.retrust(call);
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK_FALSE(node.started());
}

TEST_CASE("a run that has nothing to do takes no snapshot; step backup-etcd does") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Node node(sandbox, "rke2");
  const auto run = sandbox.retrust(node.run());
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(node.snapshots().empty());
  const auto step = sandbox.retrust(node.call({"step", "1.2"}));
  CAPTURE(step.all());
  CHECK(step.status == 0);
  CHECK(node.snapshots().size() == 1);
  CHECK(has(step.out, "was taken on this node"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("wrong usage is said before anything is started") {
  Sandbox sandbox;
  const Node node(sandbox);
  const auto refused = [&](std::vector<std::string> args, const std::string& words) {
    args.insert(args.begin(), {"run", "--yes"});
    const auto run = sandbox.retrust(node.call(std::move(args)));
    CAPTURE(run.all());
    CHECK(run.status == 2);
    CHECK(has(run.err, words));
  };
  refused({"--no-rancher-backup"}, "--k3s and --no-rancher-backup were given");
  refused({"--rke2"}, "--k3s and --rke2 were given");
  refused({"--snapshot-name", "a b"}, "is no name for a snapshot");
  CHECK_FALSE(node.started());
  // No such program: on this machine there is none but ours.
  fs::remove(sandbox.directory() / "bin/k3s");
  refused({}, "cannot find k3s");
  CHECK(sandbox.changes().empty());
}

}  // namespace
}  // namespace retrust::e2e
