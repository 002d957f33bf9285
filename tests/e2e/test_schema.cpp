// Every line of transcript.jsonl is as its schema has it, and -o json prints the same ones.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <signal.h>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "transcript/schema.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// The names of the lines' events.
std::vector<std::string> check_lines(const std::string& text_of_lines) {
  std::vector<std::string> names;
  for (const auto& line : lines_of(text_of_lines)) {
    CAPTURE(line);
    boost::system::error_code wrong;
    const auto value = json::parse(line, wrong);
    REQUIRE_FALSE(wrong);
    CHECK(against_schema(value) == "");
    names.push_back(text(value, "/event"));
  }
  REQUIRE_FALSE(names.empty());
  CHECK(names.front() == "run_started");
  CHECK(names.back() == "run_ended");
  return names;
}

std::vector<std::string> check_folder(const fs::path& folder) {
  return check_lines(read_file(folder / "transcript.jsonl"));
}

TEST_CASE("a schema is told from none") {
  CHECK(against_schema(json::parse("[]")) == "it is no object");
  CHECK(against_schema(json::parse("{}")) == "version is missing");
  const std::string head = R"({"version":1,"time":"x","event":)";
  CHECK(against_schema(json::parse(head + R"("party"})")) == "there is no event party");
  CHECK(against_schema(json::parse(head + R"("step_ended"})")) == "step_ended: name is missing");
  CHECK(against_schema(json::parse(head + R"("step_ended","name":7})")) ==
        "step_ended: name is of another type");
  CHECK(against_schema(json::parse(head + R"("step_ended","name":"a","b":1})")) ==
        "step_ended: there is no member b");
  CHECK(against_schema(json::parse(head + R"("step_ended","name":"a"})")) == "");
}

TEST_CASE("runs, steps, rollbacks, refusals and what was interrupted keep to the schema") {
  Sandbox sandbox({"--rancher", "2.6.6", "--fault", "agents-never-report"});
  const auto run = sandbox.run({"-o", "json", "--timeout", "2s", "--repair-impersonation"});
  CHECK(run.status == 0);
  const auto folder = sandbox.run_folder();
  const auto printed = check_lines(run.out);
  CHECK(printed == check_folder(folder));
  CHECK(sandbox.retrust({"step", "check-cluster"}).status == 0);
  check_folder(sandbox.run_folder());
  const auto back = sandbox.retrust({"rollback", folder.string(), "--yes", "-o", "json"});
  CHECK(back.status == 0);
  check_lines(back.out);
  check_folder(sandbox.run_folder());
  CHECK(sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"}, .cluster = "nobody"})
            .status == 4);
  check_folder(sandbox.run_folder());
  const auto child = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"}});
  const auto transcript = sandbox.run_folder() / "transcript.jsonl";
  wait_until("something is waited for", [&] {
    return fs::exists(transcript) &&
           read_file(transcript).find("wait_started") != std::string::npos;
  });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  check_folder(sandbox.run_folder());
}

TEST_CASE("a run that is killed leaves what it did") {
  Sandbox sandbox({"--fault", "no-agents-start"});
  const auto child = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"}});
  const auto folder = sandbox.run_folder();
  wait_until("the agents are waited for", [&] {
    return fs::exists(folder / "transcript.jsonl") &&
           read_file(folder / "transcript.jsonl").find("for the old agents") != std::string::npos;
  });
  child->signal(SIGKILL);
  child->wait();
  const auto text_of_it = read_file(folder / "transcript.md");
  CAPTURE(text_of_it);
  CHECK(text_of_it.find("**Not ended.**") != std::string::npos);
  CHECK(text_of_it.find("## 2.1 delete-token") != std::string::npos);
  CHECK(
      text_of_it.find("## Left to do\n\n- see whether retrust still runs; if it does not, do what "
                      "is left (in place of `--rke-config=FILE` give the backup of Rancher") !=
      std::string::npos);
  CHECK(text_of_it.find(": `retrust run --yes --") != std::string::npos);
}

/// Every member of a value by its path, as retrust-transcript(5) has them.
void add_paths(std::set<std::string>& paths, const json::value& value, const std::string& path) {
  if (value.is_array()) {
    for (const auto& each : value.get_array()) add_paths(paths, each, path + "[]");
  }
  // The members of this one are named by words of others.
  if (!value.is_object() || path.ends_with(".leftAloneBecause")) return;
  for (const auto& [name, member] : value.get_object()) {
    const auto whole = (path.empty() ? "" : path + ".") + std::string(name);
    paths.insert(whole);
    add_paths(paths, member, whole);
  }
}

/// The fields that a section of the man page has for the output of commands.
std::set<std::string> documented_fields(const std::string& section) {
  const char* folder = std::getenv("RETRUST_TEST_MANUALS");
  if (folder == nullptr) return {};
  auto page = read_file(fs::path(folder) / "retrust-transcript.5");
  const auto begin = page.find(".SH " + section + "\n");
  page = page.substr(std::min(begin, page.size()));
  page = page.substr(0, page.find("\n.SH", 1));
  std::set<std::string> fields;
  const std::string term = ".TP\n\\fB";
  for (auto at = page.find(term); at != std::string::npos; at = page.find(term, at + 1)) {
    const auto name = at + term.size();
    fields.insert(page.substr(name, page.find("\\fR", name) - name));
  }
  return fields;
}

TEST_CASE("the man page has every field of status and plan with -o json, and no other") {
  const auto documented = documented_fields("STATUS AND PLAN");
  if (documented.empty()) {
    MESSAGE("RETRUST_TEST_MANUALS is not set: run by meson test");
    CHECK(std::getenv("RETRUST_TEST_MANUALS") == nullptr);
    return;
  }
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--workloads", "1", "--fault",
                   "metrics-away", "--fault", "new-pods=image"});
  const auto gone = sandbox.kubectl("downstream", {"delete", "pods", "-n", "cattle-system", "-l",
                                                   "app=cattle-cluster-agent", "--wait=false"});
  REQUIRE(gone.status == 0);
  wait_until("an agent is stuck", [&] {
    return sandbox.retrust({"status"}).out.find("does not run: ImagePullBackOff") !=
           std::string::npos;
  });
  std::set<std::string> printed;
  for (const std::string command : {"status", "plan"}) {
    const auto report = json::parse(sandbox.retrust({command, "-o", "json"}).out);
    add_paths(printed, report, "");
  }
  for (const auto& each : printed) {
    CAPTURE(each);
    CHECK(documented.contains(each));
  }
  // Only where the tokens of Rancher's users cannot be read.
  printed.insert("impersonation.trouble");
  for (const auto& each : documented) {
    CAPTURE(each);
    CHECK(printed.contains(each));
  }
}

TEST_CASE("the man page has every field of list with -o json, and no other") {
  const auto documented = documented_fields("LIST");
  Sandbox sandbox({"--rancher", "2.12", "--records", "20", "--fault", "forbidden-local=secrets"});
  std::set<std::string> printed;
  const auto kubeconfigs =
      sandbox.file("downstream.kubeconfig") + ":" + sandbox.file("local.kubeconfig");
  const auto listed = sandbox.retrust(
      {.args = {"list", "-o", "json"}, .kubeconfig = kubeconfigs, .without = {"--cluster"}});
  add_paths(printed, json::parse(listed.out), "");
  CHECK(printed == documented);
}

/// A kubectl that prints 50 MB by these words of a shell where its arguments match the pattern,
/// before it does what it is asked for.
std::string talkative_kubectl(const Sandbox& sandbox, const std::string& pattern,
                              const std::string& words) {
  const auto path = sandbox.directory() / "talkative-kubectl";
  write_file(path, "#!/bin/sh\ncase \" $* \" in " + pattern + ") " + words +
                       " | head -c 50000000 ;; esac\n"
                       "exec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("a kubectl that prints a lot fills neither transcript nor memory") {
  Sandbox sandbox;
  Sandbox::Call call{.args = {"run", "--yes", "--no-rancher-backup", "--no-session"}};
  auto said = "printed more than";
  SUBCASE("where it deletes") {
    call.kubectl = talkative_kubectl(sandbox, "*' delete '*", "yes 'a line of 30 bytes, or so'");
    said = "bytes left out …";
  }
  SUBCASE("in front of what it was asked for") {
    call.kubectl = talkative_kubectl(sandbox, "*' get '*", "yes 'a line of 30 bytes, or so'");
  }
  SUBCASE("as a list of large secrets") {
    call.kubectl = talkative_kubectl(
        sandbox, "*' get '*",
        "{ printf '{\"kind\":\"List\",\"items\":['; "
        "word=$(head -c 100000 /dev/zero | tr '\\0' x); "
        "yes \"{\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"release\\\":\\\"$word\\\"}},\"; }");
    said = "printed what is not JSON";
  }
  SUBCASE("as one text") {
    call.kubectl = talkative_kubectl(sandbox, "*' get '*", "{ printf '\"'; yes | tr -d '\\n'; }");
  }
  SUBCASE("where it is asked for a text") {
    call.kubectl = talkative_kubectl(sandbox, "*' get --raw '*", "yes 'a line of 30 bytes, or so'");
    said = "printed too much";
  }
  const auto run = sandbox.retrust(call);
  CAPTURE(run.status);
  const auto folder = sandbox.run_folder();
  CHECK(fs::file_size(folder / "transcript.md") < 256U * 1024U);
  CHECK(fs::file_size(folder / "transcript.jsonl") < 256U * 1024U);
  CHECK(read_file(folder / "transcript.md").find(said) != std::string::npos);
  const auto lines = lines_of(read_file(folder / "transcript.jsonl"));
  // The sanitizers' own memory is no part of it.
#ifndef __SANITIZE_ADDRESS__
  CHECK(json::parse(lines.back()).at("peakKiB").as_int64() < 64 * 1024);
#endif
}

}  // namespace
}  // namespace retrust::e2e
