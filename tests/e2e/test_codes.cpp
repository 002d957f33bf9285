// The code of each failure and refusal that an operator can meet, as scripts see them.
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "fleet.h"
#include "others_lease.h"
#include "sandbox.h"
#include "transcript/schema.h"
#include "troubles.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using Args = std::vector<std::string>;

const Args run_yes{"run", "--yes", "--no-rancher-backup", "-o", "json"};

Args with(Args args, const Args& more) {
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

struct Expected {
  std::string code;
  int status;
};

/// Checks that standard output is one object about that failure.
void check_object(const Result& result, const Expected& expected) {
  CAPTURE(result.all());
  CAPTURE(expected.code);
  CHECK(result.status == expected.status);
  REQUIRE(lines_of(result.out).size() == 1);
  const auto whole = json::parse(result.out).as_object();
  CHECK(whole.at("version") == 1);
  const auto& error = whole.at("error").as_object();
  CHECK(text(whole, "/error/code") == expected.code);
  CHECK(error.at("status") == expected.status);
  CHECK(has(result.err, text(whole, "/error/message")));
  CHECK(error.at("detail").is_string());
  CHECK(error.at("next").is_string());
}

/// The code in the lines of a run, which its failure and its end have in common.
std::string code_in(const std::string& lines) {
  std::string failure;
  std::string end;
  for (const auto& line : json_lines(lines)) {
    CHECK(against_schema(line) == "");
    if (line.at("event") == "failure") failure = text(line, "/code");
    if (line.at("event") == "run_ended" && line.contains("code")) end = text(line, "/code");
  }
  CHECK(failure == end);
  return end;
}

/// Checks the lines of a run, and its transcript.
void check_lines(Sandbox& sandbox, const Result& result, const Expected& expected) {
  CAPTURE(result.all());
  CAPTURE(expected.code);
  CHECK(result.status == expected.status);
  CHECK(code_in(result.out) == expected.code);
  CHECK(code_in(read_file(sandbox.run_folder() / "transcript.jsonl")) == expected.code);
}

/// A kubeconfig of the sandbox, changed.
std::string changed(Sandbox& sandbox, const std::string& name,
                    const std::function<void(json::value&)>& change) {
  auto config = json::parse(read_file(sandbox.file("downstream.kubeconfig")));
  change(config);
  const auto path = sandbox.directory() / (name + ".kubeconfig");
  write_file(path, json::serialize(config));
  return path.string();
}

TEST_CASE("status as JSON prints an object with the code of each refusal") {
  Sandbox sandbox;
  const auto away = changed(sandbox, "away", [](json::value& config) {
    config.at_pointer("/clusters/0/cluster").as_object()["server"] = "https://127.0.0.1:9";
  });
  const auto stranger = changed(sandbox, "stranger", [](json::value& config) {
    config.at_pointer("/users/0/user") = {{"token", "nobody"}};
  });
  const auto nobody = changed(sandbox, "nobody", [](json::value& config) {
    config.at_pointer("/users/0/user") = json::object{};
  });
  const auto by_name = changed(sandbox, "by-name", [](json::value& config) {
    auto& server = config.at_pointer("/clusters/0/cluster/server");
    auto address = std::string(server.as_string());
    server = address.replace(address.find("127.0.0.1"), 9, "0.0.0.0");
  });
  struct Case {
    Sandbox::Call call;
    Expected expected;
  };
  const std::vector<Case> cases{
      {{.args = {}, .kubeconfig = sandbox.file("other.kubeconfig")}, {"wrong-cluster", 4}},
      {{.args = {}, .cluster = "elsewhere"}, {"unknown-cluster", 4}},
      {{.args = {}, .kubeconfig = sandbox.file("downstream-before-renewal.kubeconfig")},
       {"stale-kubeconfig", 4}},
      {{.args = {}, .kubeconfig = sandbox.file("downstream-through-rancher.kubeconfig")},
       {"through-rancher", 4}},
      {{.args = {}, .kubeconfig = by_name}, {"bad-certificate", 4}},
      {{.args = {}, .kubeconfig = away}, {"unreachable", 6}},
      {{.args = {}, .kubeconfig = stranger}, {"unauthorized", 6}},
      {{.args = {}, .kubeconfig = nobody}, {"unauthorized", 6}},
      {{.args = {"--context=nowhere"}}, {"bad-kubeconfig", 2}},
      {{.args = {}, .kubeconfig = "nowhere.yaml"}, {"bad-kubeconfig", 2}},
      {{.args = {}, .kubectl = "no-such-kubectl"}, {"no-program", 2}},
      {{.args = {"--no-such-option"}}, {"usage", 2}},
  };
  for (auto each : cases) {
    each.call.args = with({"status", "-o", "json"}, each.call.args);
    check_object(sandbox.retrust(each.call), each.expected);
  }
  // Another command, and the other ways to say that.
  const auto unknown = sandbox.retrust(Args{"list", "--output=json", "--no-such-option"});
  check_object(unknown, {"usage", 2});
  check_object(sandbox.retrust({.args = {"plan", "-ojson"}, .cluster = "elsewhere"}),
               {"unknown-cluster", 4});
  const auto told = sandbox.retrust(Sandbox::Call{.args = {"status"}, .cluster = "elsewhere"});
  CHECK(told.out.empty());
}

TEST_CASE("an answer 403 is forbidden, and a permission review that says no is a refusal") {
  Sandbox sandbox({"--fault", "forbidden-local=clusters.management.cattle.io"});
  check_object(sandbox.retrust(Args{"status", "-o", "json"}), {"forbidden", 6});
  check_object(sandbox.retrust(Sandbox::Call{.args = {"list", "-o", "json"},
                                             .without = {"--kubeconfig", "--cluster"}}),
               {"forbidden", 6});
  const auto run = sandbox.retrust(run_yes);
  check_lines(sandbox, run, {"forbidden", 6});
  CHECK(has(read_file(sandbox.run_folder() / "transcript.md"),
            "**No access: nothing was changed.**"));
  Sandbox other;
  const auto limited =
      other.retrust({.args = run_yes, .kubeconfig = other.file("downstream-limited.kubeconfig")});
  check_lines(other, limited, {"missing-permission", 4});
  CHECK(sandbox.changes().empty());
  CHECK(other.changes().empty());
}

TEST_CASE("a run as JSON and its transcript have the code of what stops it") {
  Sandbox sandbox;
  const auto unchanged = [&](const Sandbox::Call& call, const Expected& expected) {
    check_lines(sandbox, sandbox.retrust(call), expected);
    CHECK(sandbox.changes().empty());
  };
  unchanged({.args = run_yes, .kubeconfig = sandbox.file("other.kubeconfig")},
            {"wrong-cluster", 4});
  const auto script = [&](const std::string& name, const std::string& body) {
    const auto path = sandbox.directory() / name;
    write_file(path, "#!/bin/sh\n" + body + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  };
  unchanged({.args = with(run_yes, {"--command-timeout", "2s"}),
             .kubectl = script("hangs", "exec sleep 1000")},
            {"unreachable", 6});
  unchanged({.args = run_yes, .kubectl = script("broken", "echo '{\"kind\":'")}, {"bad-answer", 4});
  unchanged(
      {.args = run_yes,
       .kubectl = troubled_kubectl(sandbox, "*' config '*) ;; *' proxy '*) exit 1 ;; *' get '*",
                                   {troubles::internal}, 1000)},
      {"server-error", 1});
  unchanged({.args = {"run", "--yes", "-o", "json", "--rke-config",
                      script("cluster.yml", "nodes: []"), "--rke", script("rke", "exit 1")}},
            {"no-program", 2});
  create(sandbox, lease(others, std::chrono::seconds{30}));
  unchanged({.args = with(run_yes, {"--timeout", "1s"})}, {"busy", 4});
}

TEST_CASE("what is lacking in the command line has a code, too") {
  Sandbox sandbox;
  const auto code = [&](const Args& args) {
    const auto result = sandbox.retrust(args);
    CAPTURE(result.all());
    CHECK(result.status == 2);
    std::string found;
    for (const auto& line : json_lines(result.out)) {
      CHECK(against_schema(line) == "");
      if (line.at("event") == "failure") found = text(line, "/code");
    }
    return found;
  };
  CHECK(code({"run", "--yes", "-o", "json"}) == "no-backup-choice");
  CHECK(code({"run", "--no-rancher-backup", "-o", "json"}) == "no-consent");
  CHECK(sandbox.changes().empty());
}

TEST_CASE("the cluster's own troubles have codes: an old CA, a backup that is not possible") {
  Sandbox old({"--fault", "old-ca-handed-out"});
  check_object(old.retrust(Args{"status", "-o", "json"}), {"old-ca", 4});
  Sandbox sandbox;
  const auto run = sandbox.retrust(Args{"run", "--yes", "--rancher-backup", "-o", "json"});
  check_lines(sandbox, run, {"backup-failed", 4});
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a no, the end of the input and a signal are told apart") {
  Sandbox sandbox;
  const Args asks{"run", "--no-rancher-backup"};
  const auto code = [&] { return code_in(read_file(sandbox.run_folder() / "transcript.jsonl")); };
  // 4 is the end of the input.
  for (const std::string answer : {"no", "\x04"}) {
    CAPTURE(answer);
    const auto declined = sandbox.answered({.args = asks}, answer);
    CAPTURE(declined.all());
    CHECK(declined.status == 7);
    CHECK(code() == "declined");
  }
  CHECK(
      has(read_file(sandbox.run_folder() / "transcript.md"), "**Declined: nothing was changed.**"));
  const auto child = sandbox.start_on_terminal({.args = asks});
  wait_until("the question", [&] { return has(unwrapped(child->out()), "Do this to"); });
  child->write("\x03");
  CHECK(child->wait() == 130);
  CHECK(code() == "interrupted");
  CHECK(sandbox.changes().empty());
}

TEST_CASE("after a change the status is 1, and the code tells the cause") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto kubectl = troubled_kubectl(
      sandbox, "*' replace '*",
      {refused("Error from server: admission webhook \"deny.example.com\" denied the request: no")},
      1000);
  const auto run =
      sandbox.retrust({.args = with(run_yes, {"--timeout", "2s"}), .kubectl = kubectl});
  check_lines(sandbox, run, {"denied", 1});
  CHECK_FALSE(sandbox.changes().empty());
  CHECK(has(read_file(sandbox.run_folder() / "transcript.md"), "**Failed.**"));
}

TEST_CASE("what does not come in time is a timeout") {
  Sandbox sandbox({"--fault", "no-agents-start"});
  check_lines(sandbox, sandbox.retrust(with(run_yes, {"--timeout", "2s"})), {"timeout", 5});
}

TEST_CASE("of several clusters each has its own code, and the worst one is the end's") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,renewed,unreachable"});
  create(sandbox, lease(others, std::chrono::seconds{30}));
  const auto run = sandbox.retrust(run_of_all(sandbox, {"--timeout=5s", "-o", "json"}));
  CAPTURE(run.all());
  CHECK(run.status == 6);
  auto known = ends(sandbox.run_folder());
  CHECK(text(known["production"], "/code") == "busy");
  CHECK_FALSE(known["store-002"].contains("code"));
  CHECK(text(known["store-002"], "/result") == "repaired");
  CHECK(text(known["unknown"], "/code") == "unreachable");
  CHECK(text(known["unknown"], "/result") == "no answer");
  const auto lines = json_lines(read_file(sandbox.run_folder() / "summary.jsonl"));
  REQUIRE_FALSE(lines.empty());
  CHECK(text(lines.back(), "/code") == "unreachable");

  auto call = call_for_all(sandbox, {"status", "-o", "json"});
  const auto status = sandbox.retrust(call);
  CAPTURE(status.all());
  CHECK(status.status == 6);
  const auto clusters = json::parse(status.out).at("clusters").as_array();
  REQUIRE(clusters.size() == 3);
  CHECK(clusters.front().at("code") == "unreachable");
  CHECK(clusters.front().at("status") == 6);
}

TEST_CASE("clusters that a failure of another one keeps back are not begun") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed,silent"});
  const auto run = sandbox.retrust(run_of_all(sandbox, {"--skip=update-cluster", "--timeout=3s"}));
  CAPTURE(run.all());
  CHECK(run.status == 1);
  auto known = ends(sandbox.run_folder());
  CHECK(text(known["production"], "/code") == "not-begun");
  CHECK(text(known["production"], "/result") == "not begun");
  CHECK(text(known["store-002"], "/code") == "failed");
}

}  // namespace
}  // namespace retrust::e2e
