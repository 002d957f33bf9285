// Secrets never show; only what is asked for does, and alone.
#include <cstdlib>
#include <filesystem>

#include <boost/json/array.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

TEST_CASE("no token shows on the terminal or in a transcript") {
  std::vector<std::string> options;
  std::vector<std::string> more{"--verbose"};
  SUBCASE("of a run that succeeds") {}
  SUBCASE("of a run that repairs") {
    options = {"--fault", "agents-never-report"};
  }
  SUBCASE("of a run that gives up") {
    options = {"--fault", "no-agents-start"};
  }
  SUBCASE("of a run that prints JSON") {
    more = {"-o", "json"};
  }
  Sandbox sandbox(options);
  auto tokens = secrets(sandbox);
  more.insert(more.end(), {"--timeout", "2s"});
  const auto run = sandbox.run(more);
  tokens.merge(secrets(sandbox));
  REQUIRE(tokens.size() >= 8);
  check_hidden(tokens, "terminal", run.all());
  check_hidden(tokens, "transcript", transcripts(sandbox.run_folder()));
  for (const auto* command : {"status", "plan"}) {
    check_hidden(tokens, command, sandbox.retrust({command, "--verbose"}).all());
    check_hidden(tokens, command, sandbox.retrust({command, "-o", "json"}).all());
  }
}

TEST_CASE("no token is in an argument or the environment of a child" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--fault", "agents-never-report"});
  // A kubectl that writes down how it was started, and is then the real one.
  const auto log = sandbox.directory() / "started.log";
  const auto wrapper = sandbox.directory() / "kubectl-wrapper";
  write_file(wrapper, "#!/bin/sh\n{ echo \"$@\"; env; } >> " + log.string() +
                          "\nexec ${REAL_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(wrapper, fs::perms::owner_all);
  auto tokens = secrets(sandbox);
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  Sandbox::Call call;
  call.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s"};
  call.kubectl = wrapper.string();
  call.environment = {{"REAL_KUBECTL", real == nullptr ? "kubectl" : real}, {"GOGC", "77"}};
  const auto run = sandbox.retrust(call);
  CAPTURE(run.err);
  CHECK(run.status == 0);
  tokens.merge(secrets(sandbox));
  const auto started = read_file(log);
  CHECK(started.find("get --raw /api/v1/namespaces/kube-system") != std::string::npos);
  check_hidden(tokens, "arguments and environment", started);
  // What is given to kubectl besides, and what the operator has set stands.
  CHECK(started.find("GOMAXPROCS=1\n") != std::string::npos);
  CHECK(started.find("GOGC=77\n") != std::string::npos);
  CHECK(started.find("GOGC=400\n") == std::string::npos);
}

TEST_CASE("temporary kubeconfigs are in no folder, so SIGKILL leaves none behind") {
  Sandbox sandbox;
  const auto temporary = sandbox.directory() / "tmp";
  fs::create_directories(temporary);
  // A kubectl that writes down the files in the folder, and is then the real one.
  const auto log = sandbox.directory() / "files.log";
  const auto wrapper = sandbox.directory() / "kubectl-wrapper";
  write_file(wrapper, "#!/bin/sh\n{ echo \"$@\"; find \"$TMPDIR\" -type f; } >> " + log.string() +
                          "\nexec ${REAL_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(wrapper, fs::perms::owner_all);
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  Sandbox::Call call;
  call.args = {"run", "--yes", "--no-rancher-backup"};
  call.kubectl = wrapper.string();
  call.environment = {{"TMPDIR", temporary.string()},
                      {"REAL_KUBECTL", real == nullptr ? "kubectl" : real}};
  CHECK(sandbox.retrust(call).status == 0);
  const auto seen = read_file(log);
  CHECK(seen.find("--kubeconfig=/dev/stdin") != std::string::npos);
  CHECK(seen.find("\n" + temporary.string() + "/") == std::string::npos);
  CHECK(fs::is_empty(temporary));
}

TEST_CASE("a TMPDIR that is no folder stops nothing") {
  Sandbox sandbox;
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                       .environment = {{"TMPDIR", (sandbox.directory() / "none").string()}}});
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("step get-token prints the token alone, and to no transcript" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--scenario", "ca-only"});
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  std::string token;
  for (const auto& secret : list.at("items").as_array()) {
    if (text(secret, "/metadata/name").starts_with("cattle-token-")) {
      token = base64_decode(text(secret, "/data/token")).value_or("");
    }
  }
  const auto step = sandbox.retrust({"step", "get-token"});
  CHECK(step.status == 0);
  const auto alone = step.out == token + "\n";
  CHECK(alone);
  check_hidden({token}, "standard error", step.err);
  check_hidden({token}, "transcript", transcripts(sandbox.run_folder()));
}

TEST_CASE("control characters from a cluster do not reach the terminal or the transcript") {
  Sandbox sandbox;
  const auto patched =
      sandbox.kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge",
                                "-p", "{\"spec\":{\"displayName\":\"evil\\u001b[2J\\u0007\"}}"});
  REQUIRE(patched.status == 0);
  const auto status = sandbox.retrust({"status"});
  CHECK(status.status == 3);
  CHECK(status.out.find("evil?[2J?") != std::string::npos);
  CHECK(status.all().find('\x1b') == std::string::npos);
  CHECK(sandbox.run().status == 0);
  CHECK(transcripts(sandbox.run_folder()).find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace retrust::e2e
