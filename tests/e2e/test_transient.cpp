// Errors of an API server or a kubectl that pass: waited out after the first change, and told.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sandbox.h"
#include "troubles.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> run_for(const std::string& timeout) {
  return {"run", "--yes", "--no-rancher-backup", "--command-timeout", "4s", "--timeout", timeout};
}

/// Whether a wait for the cluster began, and ended.
void check_waited(const Sandbox& sandbox, const std::string& side) {
  const auto told = transcripts(sandbox.run_folder());
  CHECK(has(told, "for the " + side + " cluster ("));
  CHECK(has(told, ") to answer, "));
  CHECK(has(told, ") answers again"));
}

TEST_CASE("after the first change, what passes is waited out: changes and reads alike") {
  struct Case {
    std::string commands;
    std::string side;
    std::string words;
  };
  const std::string local = "*'/local.kubeconfig '*";
  const std::vector<Case> cases{
      {"*' delete pod'*", "downstream", troubles::too_many},
      {"*' delete pod'*", "downstream", troubles::hangs},
      {local + "' replace '*", "local", troubles::internal},
      {local + "' replace '*", "local", troubles::too_late},
      {local + "' replace '*", "local", troubles::reset},
      {local + "' replace '*", "local", troubles::killed},
      {local + "' get clusters.management.cattle.io/c-x7k2p '*", "local", troubles::unavailable},
      {local + "' get clusters.management.cattle.io/c-x7k2p '*", "local", troubles::hangs},
      {"*' get --raw /api/v1/namespaces/kube-system'*", "downstream", troubles::internal},
  };
  for (const auto& each : cases) {
    CAPTURE(each.commands);
    CAPTURE(each.words);
    Sandbox sandbox({"--fault", "agents-never-report"});
    const auto kubectl = troubled_kubectl(sandbox, each.commands, {each.words});
    const auto run = sandbox.retrust({.args = run_for("15s"), .kubectl = kubectl});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
    check_waited(sandbox, each.side);
  }
}

TEST_CASE("before the first change the same errors end the run") {
  struct Case {
    std::string words;
    std::string told;
  };
  for (const auto& each : {Case{troubles::too_many, "has too many requests"},
                           Case{troubles::internal, "reports an error of its own"}}) {
    CAPTURE(each.words);
    Sandbox sandbox;
    const auto kubectl = troubled_kubectl(
        sandbox, "*' config '*) ;; *' proxy '*) exit 1 ;; *' get '*", {each.words});
    const auto run = sandbox.retrust({.args = run_for("15s"), .kubectl = kubectl});
    CAPTURE(run.all());
    CHECK(run.status == 1);
    CHECK(has(run.err, each.told));
    CHECK(has(run.err, "get --raw /readyz"));
    CHECK_FALSE(has(transcripts(sandbox.run_folder()), "answers again"));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("what does not pass ends the run with status 5, and the next run finishes") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto kubectl =
      troubled_kubectl(sandbox, "*'/local.kubeconfig '*' replace '*", {troubles::internal}, 1000);
  const auto run = sandbox.retrust({.args = run_for("2s"), .kubectl = kubectl});
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "reports an error of its own; retrust tried for 2.0 s"));
  CHECK(has(run.err, "prevented the request from succeeding"));
  CHECK(attempts(sandbox) > 1);
  const auto again = sandbox.run({"--timeout", "2s"});
  CAPTURE(again.all());
  CHECK(again.status == 0);
}

TEST_CASE("Ctrl-C is answered at once while an error is waited out") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto kubectl = troubled_kubectl(sandbox, "*'/local.kubeconfig '*' replace '*",
                                        {troubles::unavailable}, 1000);
  auto args = run_for("10m");
  // The report is not waited for, and the repair comes at once.
  args.insert(args.end(), {"--skip", "check-cluster"});
  const auto child = sandbox.start({.args = args, .kubectl = kubectl});
  wait_until("the error is waited out for some time", [&] {
    return fs::exists(sandbox.directory() / "troubles") && attempts(sandbox) >= 4;
  });
  const auto asked = std::chrono::steady_clock::now();
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  // The pause between 2 attempts is as long as 2 seconds.
  CHECK(std::chrono::steady_clock::now() - asked < std::chrono::milliseconds(1500));
  CHECK(has(transcripts(sandbox.run_folder()), "\"status\":130"));
}

TEST_CASE("a restart of Rancher that meets another one of the same second is tried again") {
  std::string words;
  SUBCASE("in the words of kubectl 1.27 and later") {
    words =
        "error: failed to create patch for rancher: if restart has already been triggered within "
        "the past second, please wait before attempting to trigger another";
  }
  SUBCASE("in the words of older ones") {
    words = "error: failed to create patch for rancher: empty patch";
  }
  Sandbox sandbox({"--rancher", "2.1"});
  const auto kubectl = troubled_kubectl(sandbox, "*' rollout restart '*", {refused(words)}, 1);
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "60s"}, .kubectl = kubectl});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(attempts(sandbox) == 2);
  CHECK(has(run.out, "Rancher's new server pods are ready"));
}

TEST_CASE("a terminal shows what is awaited while an API server does not answer") {
  // Connections are taken, and nobody answers.
  boost::asio::io_context io;
  const boost::asio::ip::tcp::endpoint any(boost::asio::ip::address_v4::loopback(), 0);
  const boost::asio::ip::tcp::acceptor silent(io, any);
  Sandbox sandbox;
  const auto kubeconfig = (sandbox.directory() / "silent.kubeconfig").string();
  write_file(kubeconfig, fmt::format(R"({{"apiVersion":"v1","kind":"Config","current-context":"a",
"clusters":[{{"name":"a","cluster":{{"server":"https://127.0.0.1:{}"}}}}],
"users":[{{"name":"a","user":{{"token":"none"}}}}],
"contexts":[{{"name":"a","context":{{"cluster":"a","user":"a"}}}}]}})",
                                     silent.local_endpoint().port()));
  const auto child =
      sandbox.start_on_terminal({.args = {"status"}, .local_kubeconfig = kubeconfig});
  wait_until("the cluster that is awaited is told",
             [&] { return has(child->out(), "s for the local cluster: "); });
  child->write("\x03");
  CHECK(child->wait() == 130);
}

}  // namespace
}  // namespace retrust::e2e
