// One run per cluster at a time: the Lease in the local cluster, or a lock file on this machine.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <unistd.h>

#include <doctest/doctest.h>

#include "others_lease.h"
#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

const std::string lease_type = "leases.coordination.k8s.io";

std::string holder(Sandbox& sandbox) {
  return text(sandbox.get("local", {lease_type + "/retrust", "-n", "c-x7k2p"}),
              "/spec/holderIdentity");
}

/// A kubectl that stops at the first deletion, until it may go on.
struct HeldKubectl {
  explicit HeldKubectl(const Sandbox& sandbox)
      : program(sandbox.directory() / "held-kubectl"),
        reached(sandbox.directory() / "reached"),
        hold(sandbox.directory() / "hold") {
    write_file(hold, "");
    write_file(program, "#!/bin/sh\ncase \" $* \" in *' delete '*)\n touch '" + reached.string() +
                            "'; while [ -e '" + hold.string() +
                            "' ]; do sleep 0.05; done;;\nesac\n"
                            "exec \"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"\n");
    fs::permissions(program, fs::perms::owner_all);
  }
  void wait() const {
    wait_until("the first deletion", [this] { return fs::exists(reached); });
  }
  void go_on() const { fs::remove(hold); }

  fs::path program;
  fs::path reached;
  fs::path hold;
};

const std::vector<std::string> run_args{"run", "--yes", "--no-rancher-backup"};

std::unique_ptr<Child> start_held(Sandbox& sandbox, const HeldKubectl& kubectl,
                                  std::map<std::string, std::string> environment = {}) {
  auto run = sandbox.start({.args = run_args,
                            .kubectl = kubectl.program.string(),
                            .environment = std::move(environment)});
  kubectl.wait();
  return run;
}

TEST_CASE("a second run waits for the first, and finds nothing to do" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const HeldKubectl kubectl(sandbox);
  const auto first = start_held(sandbox, kubectl);
  CHECK(has(holder(sandbox), "; process " + std::to_string(first->pid()) + "; "));
  const auto now = sandbox.get("local", {lease_type + "/retrust", "-n", "c-x7k2p"});
  CHECK(now.at("spec").at("leaseDurationSeconds").to_number<int>() == 300);

  // Reading needs no turn.
  CHECK(sandbox.retrust({"status"}).status == 3);
  CHECK(sandbox.retrust({"step", "get-ca"}).status == 0);

  const auto before = sandbox.changes();
  const auto second = sandbox.run({"--timeout", "1s"});
  CAPTURE(second.all());
  CHECK(second.status == 4);
  CHECK(has(second.err, "production (c-x7k2p) is being repaired by "));
  CHECK(has(second.err, "(process " + std::to_string(first->pid()) + ", run-"));
  CHECK(has(second.err, "; nothing was changed"));
  CHECK(has(second.err, "-n c-x7k2p delete leases.coordination.k8s.io/retrust"));
  CHECK(sandbox.changes() == before);

  const auto third = sandbox.start({.args = run_args});
  wait_until("the third run waits", [&] { return has(third->out(), "waiting for "); });
  kubectl.go_on();
  CHECK(first->wait() == 0);
  CHECK(third->wait() == 0);
  CAPTURE(third->out());
  CHECK(has(third->out(), "Nothing is needed any more: "));
  CHECK(holder(sandbox).empty());
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("a run waits for the holder of another machine, or takes over an expired Lease" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  create(sandbox, lease(others, std::chrono::seconds{30}));
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"run", "--no-rancher-backup"}, {"step", "delete-token", "--no-rancher-backup"}}) {
    auto waiting = args;
    waiting.insert(waiting.end(), {"--yes", "--timeout", "1s"});
    const auto run = sandbox.retrust(waiting);
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err,
              "is being repaired by ada@elsewhere (process 4711, retrust-x) since "
              "2026-01-10T08:00:00Z; nothing was changed"));
    CHECK(has(transcripts(sandbox.run_folder()), "ada@elsewhere"));
  }
  CHECK(sandbox.changes().empty());
  CHECK(holder(sandbox) == others);

  sandbox.kubectl("local", {"-n", "c-x7k2p", "delete", lease_type, "retrust"});
  create(sandbox, lease(others, std::chrono::seconds{600}));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "has not renewed its Lease"));
  CHECK(holder(sandbox).empty());
}

TEST_CASE("a rollback waits for a run") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  REQUIRE(sandbox.run({"--timeout", "2s"}).status == 0);
  const auto folder = sandbox.run_folder().string();
  sandbox.kubectl("local", {"-n", "c-x7k2p", "delete", lease_type, "retrust"});
  create(sandbox, lease(others, std::chrono::seconds{30}));
  const auto before = sandbox.changes();
  const auto refused = sandbox.retrust({"rollback", folder, "--yes", "--timeout", "1s"});
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.err, "is being repaired by ada@elsewhere"));
  CHECK(sandbox.changes() == before);
  sandbox.kubectl("local", {"-n", "c-x7k2p", "delete", lease_type, "retrust"});
  CHECK(sandbox.retrust({"rollback", folder, "--yes"}).status == 0);
  CHECK(holder(sandbox).empty());
}

TEST_CASE("without Leases a lock file keeps other runs on this machine away") {
  for (const auto* fault : {"no-leases", "forbidden-local=leases.coordination.k8s.io"}) {
    CAPTURE(fault);
    Sandbox sandbox({"--fault", fault});
    const std::map<std::string, std::string> environment{
        {"XDG_RUNTIME_DIR", sandbox.directory().string()}};
    const HeldKubectl kubectl(sandbox);
    const auto first = start_held(sandbox, kubectl, environment);
    const auto second =
        sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "1s"},
                         .environment = environment});
    CAPTURE(second.all());
    CHECK(second.status == 4);
    CHECK(
        has(second.all(), "retrust cannot take the Lease retrust in c-x7k2p of the local cluster"));
    CHECK(has(second.err, "is being repaired by "));
    CHECK(has(second.err, "(process " + std::to_string(first->pid()) + ", "));
    kubectl.go_on();
    CHECK(first->wait() == 0);
    CHECK(has(first->out() + first->err(), "retrust cannot take the Lease"));
    for (const auto& file : fs::directory_iterator(sandbox.directory())) {
      CHECK(file.path().extension() != ".lock");
    }
  }
}

TEST_CASE("a lock file that another could have put there is only a warning") {
  Sandbox sandbox({"--fault", "no-leases"});
  const auto cluster = sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  const auto target = sandbox.directory() / "target";
  write_file(target, "untouched");
  fs::create_symlink(target,
                     sandbox.directory() / ("retrust-" + text(cluster, "/metadata/uid") + ".lock"));
  const auto run = sandbox.retrust(
      {.args = run_args, .environment = {{"XDG_RUNTIME_DIR", sandbox.directory().string()}}});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), "nothing keeps other runs away"));
  CHECK(read_file(target) == "untouched");
}

TEST_CASE("a lost Lease stops no repair" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const HeldKubectl kubectl(sandbox);
  const auto run = start_held(sandbox, kubectl);
  REQUIRE(sandbox
              .kubectl("local", {"-n", "c-x7k2p", "patch", lease_type, "retrust", "--type=merge",
                                 R"(--patch={"spec":{"holderIdentity":"ada"}})"})
              .status == 0);
  kubectl.go_on();
  CHECK(run->wait() == 0);
  CHECK(has(run->out() + run->err(), "this run does not hold the Lease retrust in c-x7k2p"));
  CHECK(holder(sandbox) == "ada");
}

TEST_CASE("a signal releases the Lease" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const HeldKubectl kubectl(sandbox);
  const auto run = start_held(sandbox, kubectl);
  CHECK(!holder(sandbox).empty());
  run->signal(SIGINT);
  CHECK(run->wait() == 128 + SIGINT);
  CHECK(holder(sandbox).empty());
}

TEST_CASE("a signal ends the wait for another run") {
  Sandbox sandbox;
  create(sandbox, lease(others, std::chrono::seconds{30}));
  const auto run = sandbox.start({.args = run_args});
  wait_until("the run waits", [&] { return has(run->out(), "waiting for ada@elsewhere"); });
  run->signal(SIGINT);
  CHECK(run->wait() == 128 + SIGINT);
  CHECK(holder(sandbox) == others);
  CHECK(sandbox.changes().empty());
}

TEST_CASE("the next run on this machine takes over from a killed one at once" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const HeldKubectl kubectl(sandbox);
  const auto killed = start_held(sandbox, kubectl);
  killed->signal(SIGKILL);
  killed->wait();
  kubectl.go_on();
  CHECK(has(holder(sandbox), std::to_string(killed->pid())));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "is gone from this machine: this run takes over"));
  CHECK(holder(sandbox).empty());
}

TEST_CASE("hostile Leases end defined, and show no control characters") {
  {
    Sandbox sandbox;
    create(sandbox, lease("\x1b[31mevil\n: \xe2\x80\xae", std::chrono::seconds{30}));
    const auto run = sandbox.run({"--timeout", "1s"});
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(!has(run.all(), "\x1b[31mevil"));
    CHECK(!has(run.all(), "\xe2\x80\xae"));
  }
  for (const std::string attack :
       {"/metadata/name json=\"other\"", "/metadata/namespace json=\"default\"",
        "/metadata/resourceVersion json=\"-x y\"", "/spec/holderIdentity long=3000000", " garbage",
        " refuse=500,InternalError,no"}) {
    CAPTURE(attack);
    Sandbox sandbox({"--hostile", "local " + lease_type + attack});
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.all(), "retrust cannot take the Lease"));
  }
  for (const std::string attack : {"/spec/renewTime json=[1]", "/spec/acquireTime long=100000"}) {
    CAPTURE(attack);
    Sandbox sandbox({"--hostile", "local " + lease_type + attack});
    CHECK(sandbox.run().status == 0);
  }
}

}  // namespace
}  // namespace retrust::e2e
