// Single steps, and what the program prints for people and for programs.
#include <array>
#include <ctime>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::vector<std::string> yes{"--yes", "--timeout", "5s"};

Result step(Sandbox& sandbox, const std::string& name) {
  std::vector<std::string> args{"step", name};
  args.insert(args.end(), yes.begin(), yes.end());
  return sandbox.retrust(args);
}

/// "20261126T110112Z", some seconds from now.
std::string compact_time(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

TEST_CASE("two commands of the same second write into folders of their own") {
  Sandbox sandbox;
  // Whichever second it is: another one has just made its folder, and nothing in it yet.
  const auto now = std::time(nullptr);
  for (int second = 0; second < 120; ++second) {
    fs::create_directory(sandbox.directory() / ("retrust-c-x7k2p-" + compact_time(now + second)));
  }
  CHECK(sandbox.retrust({.args = {"step", "get-ca"}, .without = {"--run-dir"}}).status == 0);
  int written = 0;
  for (const auto& entry : fs::directory_iterator(sandbox.directory())) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("retrust-c-x7k2p-")) continue;
    const auto own = name.ends_with("-2");
    CHECK(fs::is_empty(entry.path()) == !own);
    if (own) ++written;
  }
  CHECK(written == 1);
}

/// The names of run folders that no --run-dir gave.
std::vector<std::string> own_folders(Sandbox& sandbox) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(sandbox.directory())) {
    auto name = entry.path().filename().string();
    if (fs::exists(entry.path() / "transcript.md")) names.push_back(std::move(name));
  }
  return names;
}

TEST_CASE("a run folder has the cluster's ID where the name has few letters of ASCII") {
  Sandbox sandbox;
  const auto renamed =
      sandbox.kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type",
                                "merge", "-p", R"({"spec":{"displayName":"生产"}})"});
  REQUIRE(renamed.status == 0);
  const auto result = sandbox.retrust({.args = {"step", "check-cluster", "--timeout", "1s"},
                                       .cluster = "生产",
                                       .without = {"--run-dir"}});
  CAPTURE(result.all());
  CHECK(result.status == 3);
  const auto folders = own_folders(sandbox);
  REQUIRE(folders.size() == 1);
  CHECK(folders[0].starts_with("retrust-c-x7k2p-"));
  // What was recorded before the ID was known is there, and the end names the folder.
  const auto folder = sandbox.directory() / folders[0];
  const auto lines = lines_of(read_file(folder / "transcript.jsonl"));
  REQUIRE_FALSE(lines.empty());
  CHECK(has(lines.front(), "run_started"));
  CHECK(has(lines.back(), folders[0]));
  CHECK(has(result.all(), folders[0] + "/transcript.md"));
}

TEST_CASE("a run folder without the cluster's ID stays where no cluster has that name") {
  Sandbox sandbox;
  const auto result =
      sandbox.retrust({.args = {"step", "get-ca"}, .cluster = "生产", .without = {"--run-dir"}});
  CAPTURE(result.all());
  CHECK(result.status == 4);
  const auto folders = own_folders(sandbox);
  REQUIRE(folders.size() == 1);
  CHECK(folders[0].starts_with("retrust-cluster-"));
  CHECK(has(read_file(sandbox.directory() / folders[0] / "transcript.md"), "no cluster 生产"));
}

TEST_CASE("the runbook step by step, by number" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  CHECK(sandbox.retrust({"step", "2.5", "--timeout", "1s"}).status == 3);
  const auto first = step(sandbox, "2.1");
  CAPTURE(first.all());
  CHECK(first.status == 0);
  const auto minor = sandbox.kubernetes_minor();
  // From Kubernetes 1.24 on retrust makes the new secret too, and lists it in the service account.
  CHECK(sandbox.changes().size() == (minor < 24 ? 1 : 3));
  CHECK(step(sandbox, "2.2").status == 0);
  CHECK(sandbox.retrust({"step", "2.4"}).status == 0);
  // From 1.21 on agents of 2.4 report the token of their pod, which is not that of the secret.
  if (minor >= 21) CHECK(step(sandbox, "update-cluster").status == 0);
  CHECK(sandbox.retrust({"step", "2.5", "--timeout", "5s"}).status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("a step that is not needed changes nothing, and says why") {
  Sandbox sandbox({"--scenario", "healthy"});
  for (const auto* name :
       {"delete-token", "recreate-agents", "update-cluster", "restart-rancher"}) {
    CAPTURE(name);
    const auto result = step(sandbox, name);
    CHECK(result.status == 0);
    CHECK(has(result.out, "is not needed"));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("update-cluster repairs at once what differs") {
  Sandbox sandbox({"--scenario", "ca-only"});
  const auto result = step(sandbox, "update-cluster");
  CAPTURE(result.all());
  CHECK(result.status == 0);
  CHECK(sandbox.changes() ==
        std::vector<std::string>{"local update clusters.management.cattle.io c-x7k2p"});
  // A pipe shows no list of steps.
  CHECK(has(result.out, "  waiting for Rancher to say that the cluster is ready, 5.0 s at most\n"));
  wait_until("Rancher is content", [&] { return sandbox.ready() == "True"; });
}

TEST_CASE("--skip leaves a section out; what is left over is said") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto result = sandbox.run({"--skip", "update-cluster", "--timeout", "1s"});
  CAPTURE(result.all());
  CHECK(result.status == 1);
  CHECK(has(result.err, "still differ"));
}

TEST_CASE("--all does every section, needed or not") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto result = sandbox.run({"--all"});
  CAPTURE(result.all());
  CHECK(result.status == 0);
  CHECK(has(result.out, "2.1 delete-token"));
  CHECK(has(result.out, "3.1 restart-rancher"));
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("status as JSON") {
  Sandbox sandbox;
  const auto result = sandbox.retrust({"status", "-o", "json"});
  CHECK(result.status == 3);
  CHECK(result.err.empty());
  const auto report = json::parse(result.out);
  CHECK(report.at("version") == 1);
  CHECK(report.at("differs") == true);
  CHECK(text(report, "/cluster/id") == "c-x7k2p");
  CHECK(text(report, "/rancher") == "v2.4.17");
  CHECK(text(report, "/live/verdict") == "rejected");
  CHECK(report.at("stored").at("caCertificates") != report.at("live").at("caCertificates"));
}

TEST_CASE("a run as JSON: every line an event, the last one the result") {
  Sandbox sandbox;
  const auto result = sandbox.run({"-o", "json"});
  CHECK(result.status == 0);
  std::string last;
  for (std::size_t begin = 0; begin < result.out.size();) {
    const auto end = result.out.find('\n', begin);
    last = result.out.substr(begin, end - begin);
    CHECK(json::parse(last).at("version") == 1);
    begin = end + 1;
  }
  CHECK(text(json::parse(last), "/event") == "run_ended");
  CHECK(json::parse(last).at("status") == 0);
}

TEST_CASE("a step as JSON too; the steps that print something print that alone") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto result = sandbox.retrust({"step", "check-cluster", "-o", "json"});
  CHECK(result.status == 0);
  const auto lines = lines_of(result.out);
  REQUIRE_FALSE(lines.empty());
  CHECK(text(json::parse(lines.back()), "/event") == "run_ended");
  const auto ca = sandbox.retrust({"step", "get-ca", "-o", "json"});
  CHECK(lines_of(ca.out).size() == 1);
  CHECK_FALSE(has(ca.out, "{"));
}

TEST_CASE("a transcript has every command, and the plan it follows" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  CHECK(sandbox.run().status == 0);
  const auto transcript = document_words(sandbox.run_folder());
  for (const auto* part :
       {"# retrust run of cluster c-x7k2p", "## Plan", "## 2.1 delete-token",
        "## 2.2 recreate-agents", "## 2.3 get-token", "## 2.4 get-ca", "## 2.5 check-cluster",
        "delete secret/cattle-token-", "--- stored in Rancher", "## Sections", "**Done.**",
        "Exit status 0", "## Left to do"}) {
    CAPTURE(part);
    CHECK(has(transcript, part));
  }
}

TEST_CASE("in a pipe there is no colour and no progress; colour comes where it is forced") {
  Sandbox sandbox;
  const auto plain = sandbox.retrust({"status"});
  CHECK_FALSE(has(plain.all(), "\x1b"));
  CHECK(plain.err.empty());
  const auto forced = sandbox.retrust({"status", "--verbose", "--color", "always"});
  CHECK(has(forced.out, "\x1b[31m"));
  Sandbox::Call call;
  call.args = {"status"};
  call.environment = {{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}};
  CHECK_FALSE(has(sandbox.retrust(call).out, "\x1b"));
}

TEST_CASE("options from a file and the environment") {
  Sandbox sandbox;
  const auto config = sandbox.directory() / "retrust.conf";
  write_file(config, "output = json\n");
  const auto result = sandbox.retrust({"status", "--config", config.string()});
  CHECK(result.status == 3);
  CHECK(result.out.starts_with("{"));
  Sandbox::Call call;
  call.args = {"status"};
  call.environment = {{"RETRUST_OUTPUT", "json"}};
  CHECK(sandbox.retrust(call).out.starts_with("{"));
}

TEST_CASE("a dry run prints the plan, changes nothing, and leads to the run itself") {
  Sandbox sandbox;
  const auto dry = sandbox.retrust(Sandbox::Call{
      .args = {"run", "--dry-run", "--yes", "--timeout=30s"}, .without = {"--run-dir"}});
  CAPTURE(dry.all());
  CHECK(dry.status == 3);
  CHECK(sandbox.changes().empty());
  const auto plan = sandbox.retrust({"plan"});
  CHECK(lines_of(dry.out).at(0) == lines_of(plan.out).at(0));
  CHECK(dry.out.find("retrust run --timeout=30s ") != std::string::npos);
  CHECK(dry.out.find("--dry-run") == std::string::npos);
  CHECK(dry.out.find("--yes") == std::string::npos);
  for (const auto& entry : fs::directory_iterator(sandbox.directory())) {
    CHECK(entry.path().filename().string().find("retrust-production") == std::string::npos);
  }
}

}  // namespace
}  // namespace retrust::e2e
