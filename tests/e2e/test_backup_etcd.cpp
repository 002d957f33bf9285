// Section 1.2: a snapshot of etcd by rke before anything is changed. rke is played by the script
// `rke` beside this file.
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <signal.h>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two clusters, an rke of that manner, and its cluster.yml.
class Rke {
 public:
  explicit Rke(Sandbox& sandbox, std::string manner = "success", std::string format = "pipe")
      : sandbox_(sandbox), manner_(std::move(manner)), format_(std::move(format)) {
    write_file(config(), "nodes: [{address: 10.0.0.1, role: [etcd]}]\n");
  }

  static std::string program() { return std::getenv("RETRUST_TEST_RKE"); }
  std::string config() const { return (sandbox_.directory() / "cluster.yml").string(); }

  /// A call of `run` that is backed up by it, and what else is given.
  Sandbox::Call run(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"run", "--yes", "--timeout", "30s", "--rke", program()});
    return call(std::move(more));
  }
  /// Any other command; without --rke.
  Sandbox::Call call(std::vector<std::string> args) const {
    args.insert(args.end(), {"--rke-config", config()});
    Sandbox::Call made;
    made.args = std::move(args);
    made.environment = {{"RETRUST_TEST_RKE_LOG", log().string()},
                        {"RETRUST_TEST_RKE_MANNER", manner_},
                        {"RETRUST_TEST_RKE_FORMAT", format_}};
    return made;
  }

  /// The arguments with which snapshots were asked for, a line each.
  std::vector<std::string> snapshots() const {
    auto starts = lines_of(read_file(log()));
    std::erase_if(starts, [](const std::string& line) { return line == "--version"; });
    return starts;
  }

 private:
  fs::path log() const { return sandbox_.directory() / "rke.log"; }

  Sandbox& sandbox_;
  std::string manner_;
  std::string format_;
};

TEST_CASE("the snapshot is taken first, and the transcript says on which hosts and where it lies") {
  std::string format;
  SUBCASE("from a pipe") {
    format = "pipe";
  }
  SUBCASE("as on a terminal") {
    format = "terminal";
  }
  SUBCASE("as on a terminal, with its colors") {
    format = "color";
  }
  Sandbox sandbox;
  const Rke rke(sandbox, "success", format);
  const auto run = sandbox.retrust(rke.run());
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(run.err.empty());
  CHECK(sandbox.ready() == "True");

  const auto snapshots = rke.snapshots();
  REQUIRE(snapshots.size() == 1);
  std::smatch parts;
  REQUIRE(std::regex_match(
      snapshots.front(), parts,
      std::regex("etcd snapshot-save --name (SNAPSHOT-\\d{8}T\\d{6}Z\\.db) --config (.*)")));
  CHECK(parts[2] == rke.config());

  const auto transcript = read_file(sandbox.run_folder() / "transcript.jsonl");
  CHECK(has(transcript, "was taken on 10.0.0.1, 10.0.0.2 and 10.0.0.3"));
  CHECK(has(transcript, "/opt/rke/etcd-snapshots/" + parts[1].str()));
  CHECK(has(transcript, "rke version v1.6.3"));
  const auto taken = transcript.find("was taken on");
  CHECK(taken < transcript.find("saved the clusters resource"));
  CHECK(taken < transcript.find("deleting token secret"));
  CHECK(has(read_file(sandbox.run_folder() / "transcript.md"), "## 1.2 backup-etcd"));
}

TEST_CASE("a snapshot that fails: rke's own words, and nothing is changed") {
  struct Case {
    std::string manner;
    std::string words;
  };
  const std::vector<Case> cases{
      {"total",
       "failed to take one-time snapshot on host [10.0.0.1], exit code [1]: "
       "{\"level\":\"warn\",\"msg\":\"retrying of unary invoker failed\"}"},
      {"no-etcd-host", "Cluster must have at least one etcd plane host"},
      {"broken-config", "yaml: line 3: mapping values are not allowed in this context"},
      {"upload", "Failed to upload etcd snapshot file to s3 on all etcd hosts"},
  };
  Sandbox sandbox;
  const auto before = sandbox.versions();
  for (const auto& each : cases) {
    for (const std::string format : {"pipe", "terminal"}) {
      CAPTURE(each.manner);
      CAPTURE(format);
      // Not even what is tolerated elsewhere makes a backup of this.
      const Rke rke(sandbox, each.manner, format);
      const auto run = sandbox.retrust(rke.run({"--allow-partial-backup"}));
      CAPTURE(run.all());
      CHECK(run.status == 4);
      CHECK(has(run.err, each.words));
      CHECK(has(run.err, " was changed; see to what rke says"));
      CHECK(has(read_file(sandbox.run_folder() / "transcript.jsonl"), "\"status\":4"));
    }
  }
  CHECK(sandbox.changes().empty());
  CHECK(sandbox.versions() == before);
}

TEST_CASE("what is said of a failure is not more than what is known") {
  Sandbox sandbox;
  // The snapshots are on the hosts; it is their upload that failed.
  const auto run = sandbox.retrust(Rke(sandbox, "upload").run());
  CHECK(run.status == 4);
  CHECK_FALSE(has(run.err, "took no snapshot"));
  CHECK_FALSE(has(run.err, "nothing was changed"));
  CHECK(has(run.err, "nothing else was changed"));
  CHECK(
      has(document_words(sandbox.run_folder()),
          "**Refused.** Nothing was changed apart from the backup, which stays: etcd's snapshot "));
}

TEST_CASE("an rke that ends after a snapshot was taken gets the advice for its version") {
  Sandbox sandbox;
  const auto run = sandbox.retrust(Rke(sandbox, "panic").run());
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "after it had taken the snapshot"));
  CHECK(has(run.err, "run again with a newer rke"));
  CHECK_FALSE(has(run.err, "another --snapshot-name"));
}

TEST_CASE("an rke whose word cannot be relied on is told") {
  for (const std::string version : {"v0.2.4", "v0.2.7", "v1.6.3"}) {
    CAPTURE(version);
    Sandbox sandbox;
    auto call = Rke(sandbox).run();
    call.environment["RETRUST_TEST_RKE_VERSION"] = version;
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.err, "even where it failed") == (version == "v0.2.4"));
  }
}

TEST_CASE("a snapshot on some hosts alone is refused, and tolerated where that is asked for") {
  std::string manner;
  std::string refusal;
  std::string warning;
  SUBCASE("one host fails") {
    manner = "partial";
    refusal = "some etcd hosts failed";
    warning = "[etcd] Failed to take snapshot on %!s(int=1) etcd hosts";
  }
  SUBCASE("one host cannot be reached") {
    manner = "tunnel";
    refusal = "rke could not reach 10.0.0.2";
    warning = "Failed to set up SSH tunneling for host [10.0.0.2]";
  }
  SUBCASE("one cannot be reached, another fails") {
    manner = "tunnel-partial";
    refusal = "rke could not reach 10.0.0.2 and some etcd hosts failed";
    warning = "[etcd] Failed to take snapshot on %!s(int=1) etcd hosts";
  }
  Sandbox sandbox;
  for (const std::string format : {"pipe", "terminal"}) {
    const Rke rke(sandbox, manner, format);
    const auto refused = sandbox.retrust(rke.run());
    CAPTURE(refused.all());
    CHECK(refused.status == 4);
    CHECK(has(refused.err, refusal));
    CHECK(has(refused.err, warning));
    CHECK(has(refused.err, "--allow-partial-backup"));
    CHECK(sandbox.changes().empty());
  }

  const Rke rke(sandbox, manner);
  const auto tolerated =
      sandbox.retrust(rke.run({"--allow-partial-backup", "--snapshot-name", "partial-1"}));
  CAPTURE(tolerated.all());
  CHECK(tolerated.status == 0);
  CHECK(has(tolerated.err, warning));
  CHECK(has(tolerated.err, "the snapshot is not on every etcd host"));
  CHECK(sandbox.ready() == "True");
  // No host is said to have it that may have none.
  const auto transcript = read_file(sandbox.run_folder() / "transcript.jsonl");
  CHECK(has(transcript, "/opt/rke/etcd-snapshots/partial-1"));
  CHECK_FALSE(has(transcript, "was taken on 10.0.0.1, 10.0.0.2 and 10.0.0.3"));
  CHECK(has(transcript, "10.0.0.1"));
  if (manner == "tunnel") {
    CHECK(has(transcript, "was taken on 10.0.0.1 and 10.0.0.3"));
  }
}

TEST_CASE("Ctrl-C while rke works: 130, recorded, and nothing is changed") {
  Sandbox sandbox;
  const Rke rke(sandbox, "hang");
  const auto child = sandbox.start(rke.run());
  wait_until("rke works", [&] { return !rke.snapshots().empty(); });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CHECK(has(child->err(), "interrupted by signal 2"));
  const auto recorded = transcripts(sandbox.run_folder());
  CHECK(has(recorded, "interrupted by signal 2"));
  CHECK(has(recorded, "\"status\":130"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a name is used once: rke would overwrite the snapshot") {
  Sandbox sandbox;
  const auto elsewhere = sandbox.directory() / "state";
  auto environment = std::map<std::string, std::string>{};
  auto list = sandbox.directory() / "home/.local/state/retrust/etcd-snapshots";
  SUBCASE("remembered in the home directory") {}
  SUBCASE("remembered in XDG_STATE_HOME") {
    environment["XDG_STATE_HOME"] = elsewhere.string();
    list = elsewhere / "retrust/etcd-snapshots";
  }
  // One that fails has used the name as well.
  const auto named = [&](const std::string& manner, const std::string& name) {
    auto call = Rke(sandbox, manner).run({"--snapshot-name", name});
    call.environment.insert(environment.begin(), environment.end());
    return sandbox.retrust(call);
  };
  CHECK(named("total", "before-2.1").status == 4);
  CHECK(read_file(list) == "before-2.1\n");
  const Rke rke(sandbox);
  const auto again = named("success", "before-2.1");
  CAPTURE(again.all());
  CHECK(again.status == 4);
  CHECK(has(again.err, "a snapshot called before-2.1 was taken before"));
  CHECK(has(again.err, "--snapshot-name"));
  CHECK(rke.snapshots().size() == 1);
  CHECK(sandbox.changes().empty());
  const auto step = [&] {
    auto call =
        rke.call({"step", "backup-etcd", "--rke", Rke::program(), "--snapshot-name", "before-2.1"});
    call.environment.insert(environment.begin(), environment.end());
    return sandbox.retrust(call);
  };
  CHECK(step().status == 4);
  CHECK(rke.snapshots().size() == 1);

  CHECK(named("success", "before-2.2").status == 0);
  CHECK(rke.snapshots().back() == "etcd snapshot-save --name before-2.2 --config " + rke.config());
  // Nothing is left to do, so nothing would be overwritten: the same command again is no mistake.
  const auto done = named("success", "before-2.2");
  CAPTURE(done.all());
  CHECK(done.status == 0);
  CHECK(rke.snapshots().size() == 2);
}

TEST_CASE("a run that has nothing to do takes no snapshot") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Rke rke(sandbox);
  const auto run = sandbox.retrust(rke.run());
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "nothing is needed"));
  CHECK(rke.snapshots().empty());
}

TEST_CASE("step backup-etcd takes a snapshot, needed or not, and changes nothing") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Rke rke(sandbox);
  const auto step = sandbox.retrust(rke.call({"step", "1.2", "--rke", Rke::program()}));
  CAPTURE(step.all());
  CHECK(step.status == 0);
  CHECK(rke.snapshots().size() == 1);
  CHECK(has(step.out, "was taken on 10.0.0.1, 10.0.0.2 and 10.0.0.3"));
  // It is done, and so it does not say why it would not be.
  CHECK_FALSE(has(step.out, "nothing has to be saved"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("plan shows the command, and takes no snapshot") {
  Sandbox sandbox;
  const Rke rke(sandbox);
  const auto plan = sandbox.retrust(
      rke.call({"plan", "--rke", Rke::program(), "--snapshot-name", "before-renewal"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "1.2  backup-etcd           needed"));
  CHECK(has(plan.out, "       " + Rke::program() +
                          " etcd snapshot-save --name before-renewal --config " + rke.config()));
  CHECK(rke.snapshots().empty());
}

TEST_CASE("which rke is run") {
  Sandbox sandbox;
  const Rke rke(sandbox);
  const auto bin = sandbox.directory() / "bin";
  fs::create_directories(bin);
  auto call = rke.call({"step", "backup-etcd"});
  call.environment["PATH"] = bin.string() + ":" + std::getenv("PATH");

  SUBCASE("none: said, and nothing is changed") {
    const auto step = sandbox.retrust(call);
    CAPTURE(step.all());
    CHECK(step.status == 2);
    CHECK(has(step.err, "cannot find rke"));
    CHECK(has(step.err, "rke_linux-amd64"));
    auto run = rke.call({"run", "--yes", "--rke", "/nowhere/rke"});
    const auto named = sandbox.retrust(run);
    CHECK(named.status == 2);
    CHECK(has(named.err, "cannot find /nowhere/rke"));
    CHECK(sandbox.changes().empty());
  }
  SUBCASE("as it is downloaded") {
    fs::create_symlink(Rke::program(), bin / "rke_linux-amd64");
    const auto step = sandbox.retrust(call);
    CAPTURE(step.all());
    CHECK(step.status == 0);
    CHECK(has(step.out, "rke_linux-amd64 etcd snapshot-save"));
    CHECK(rke.snapshots().size() == 1);
  }
  SUBCASE("rke before that") {
    fs::create_symlink(Rke::program(), bin / "rke");
    fs::create_symlink(Rke::program(), bin / "rke_linux-amd64");
    const auto step = sandbox.retrust(call);
    CHECK(step.status == 0);
    CHECK(has(step.out, "$ rke etcd snapshot-save"));
  }
  SUBCASE("another program by that name") {
    write_file(bin / "rke", "#!/bin/sh\necho rke2 version v1.30\n");
    fs::permissions(bin / "rke", fs::perms::owner_all);
    const auto step = sandbox.retrust(call);
    CHECK(step.status == 2);
    CHECK(has(step.err, "does not answer as rke does"));
  }
}

TEST_CASE("wrong usage is said before anything is started") {
  Sandbox sandbox;
  const Rke rke(sandbox);
  const auto refused = [&](std::vector<std::string> args, const std::string& words) {
    Sandbox::Call call = rke.run();
    args.insert(args.begin(), {"run", "--yes", "--rke", Rke::program()});
    call.args = std::move(args);
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 2);
    CHECK(has(run.err, words));
    CHECK_FALSE(fs::exists(sandbox.run_folder()));
  };
  refused({"--rke-config", "/nowhere/cluster.yml"}, "No such file or directory");
  refused({"--rke-config", sandbox.directory().string()}, "Is a directory");
  refused({"--rke-config", rke.config(), "--no-rancher-backup"},
          "--rke-config and --no-rancher-backup were given");
  refused({"--rke-config", rke.config(), "--k3s"}, "--rke-config and --k3s were given");
  for (const auto* name : {"a b", "$(reboot)", "../x", "c-abcde-rl"}) {
    refused({"--rke-config", rke.config(), "--snapshot-name", name}, "is no name for a snapshot");
  }
  const auto step = sandbox.retrust({"step", "backup-etcd"});
  CHECK(step.status == 2);
  CHECK(has(step.err, "--rke-config FILE"));
  CHECK(rke.snapshots().empty());
  CHECK(sandbox.requests().empty());
}

}  // namespace
}  // namespace retrust::e2e
