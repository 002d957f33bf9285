// A kubectl that never stops to print.
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "calls.h"
#include "inspection.h"
#include "sandbox.h"
#include "traced.h"

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;

/// What kubectl prints without an end, in words of a shell.
struct Flood {
  std::string what;
  std::string words;
};

const std::vector<Flood>& floods() {
  static const std::vector<Flood> all{
      {"lines on standard output", "exec yes 'HOSTILE line'"},
      {"JSON on standard output", "exec yes '{\"kind\":\"HOSTILE\",\"items\":[]}'"},
      {"one line on standard output", "exec tr '\\0' h </dev/zero"},
      {"a string of JSON", "printf '{\"HOSTILE\":\"'; exec tr '\\0' h </dev/zero"},
      {"lines on standard error", "exec yes 'HOSTILE error' >&2"},
      {"one line on standard error", "exec tr '\\0' h </dev/zero >&2"}};
  return all;
}

/// A kubectl that floods where its arguments fit a shell's pattern, and is the real one elsewhere.
std::string flooding_kubectl(const e2e::Sandbox& sandbox, const std::string& pattern,
                             const Flood& flood) {
  const char* given = std::getenv("RETRUST_TEST_KUBECTL");
  const auto path = sandbox.directory() / "flooding-kubectl";
  e2e::write_file(
      path, fmt::format("#!/bin/sh\ncase \" $* \" in {}) {} ;; esac\nexec '{}' \"$@\"\n", pattern,
                        flood.words, given == nullptr ? "kubectl" : given));
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

/// What is left to judge.
struct Flooded {
  int status;
  std::string said;  ///< on standard error
};

/// Runs one command, and judges everything else.
Flooded flooded(const std::string& name, const std::string& pattern, const Flood& flood) {
  CAPTURE(name);
  CAPTURE(pattern);
  CAPTURE(flood.what);
  e2e::Sandbox sandbox({"--fault", "agents-never-report"});
  const auto directory = sandbox.directory();
  e2e::Sandbox::Call call{.args = command_named(name).args};
  if (name != "status") call.args.insert(call.args.end(), {"--timeout", "1s"});
  call.args.insert(call.args.end(), {"--command-timeout", "3s"});
  // No process reviews or watches where a session does.
  const auto by_process = pattern == "*' create '*" || pattern == "*' -w '*";
  if (by_process) call.args.emplace_back("--no-session");
  call.kubectl = flooding_kubectl(sandbox, pattern, flood);
  call.environment["ASAN_OPTIONS"] = "detect_leaks=0";  // which works in no traced program
  auto setup = sandbox.setup(call);
  setup.name = "attacked";
  const auto ended = run_traced(setup, longest);
  Inspection inspection(command_named(name), sandbox, {});
  inspection.end(ended);
  inspection.output("stdout", directory / "attacked.out");
  inspection.output("stderr", directory / "attacked.err");
  if (!sandbox.run_folder().empty()) {
    inspection.output("transcript.md", sandbox.run_folder() / "transcript.md");
    inspection.output("transcript.jsonl", sandbox.run_folder() / "transcript.jsonl");
  }
  inspection.changes(ended.status, 0);
  for (const auto& complaint : inspection.complaints()) FAIL_CHECK(complaint);
  return {ended.status, e2e::read_file(directory / "attacked.err")};
}

TEST_CASE("a kubectl that prints without an end is ended, and that is said") {
  for (const auto& flood : floods()) {
    for (const std::string pattern : {"*", "*' get '*", "*' create '*"}) {
      const auto seen = flooded(pattern == "*" ? "status" : "run", pattern, flood);
      CAPTURE(flood.what);
      CAPTURE(pattern);
      CAPTURE(seen.said);
      CHECK((seen.status == 4 || seen.status == 1 || seen.status == 6));
      CHECK(seen.said.find("kubectl") != std::string::npos);
      CHECK(seen.said.find("was ended") != std::string::npos);
    }
  }
}

TEST_CASE("a kubectl that prints without an end where it changes or watches is ended, too") {
  for (const auto& flood : floods()) {
    for (const std::string pattern : {"*' -w '*", "*' delete '*", "*' replace '*"}) {
      const auto seen = flooded("run", pattern, flood);
      CAPTURE(flood.what);
      CAPTURE(pattern);
      CHECK((seen.status == 0 || !seen.said.empty()));
    }
  }
}

}  // namespace
}  // namespace retrust::hostile
