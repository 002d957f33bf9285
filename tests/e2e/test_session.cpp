// Reads through one kubectl proxy for each cluster.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string real_kubectl() {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  return named == nullptr ? "kubectl" : named;
}

/// The file of a program that PATH leads to.
fs::path on_path(const std::string& program) {
  std::istringstream folders(std::getenv("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (fs::exists(fs::path(folder) / program)) return fs::canonical(fs::path(folder) / program);
  }
  return program;
}

/// A kubectl of these words of a shell, with the real one in $kubectl.
std::string scripted(const Sandbox& sandbox, const std::string& words) {
  const auto path = sandbox.directory() / "scripted-kubectl";
  write_file(path, "#!/bin/sh\nkubectl='" + real_kubectl() + "'\n" + words + "\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

/// The processes that have that text and another in their command lines.
std::set<pid_t> processes(const std::string& one, const std::string& other) {
  std::set<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto line = read_file(entry.path() / "cmdline");
    if (has(line, one) && has(line, other)) found.insert(std::stoi(name));
  }
  return found;
}

std::set<pid_t> proxies(const Sandbox& sandbox) {
  return processes(sandbox.directory().string(), "--unix-socket=");
}

/// A report without what differs from one moment, and from one way of reading, to another.
std::string essence(const std::string& report) {
  auto value = boost::json::parse(report).as_object();
  value.erase("seenAt");
  for (auto& step : value.at("steps").as_array()) step.as_object().erase("commands");
  return boost::json::serialize(value);
}

TEST_CASE("a session reads what commands of kubectl read" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  for (const std::string cluster : {"c-x7k2p", "production"}) {
    Sandbox::Call call{.args = {"status", "--output", "json"}, .cluster = cluster};
    const auto by_session = sandbox.retrust(call);
    call.args.emplace_back("--no-session");
    const auto by_processes = sandbox.retrust(call);
    CHECK(by_session.status == 3);
    CHECK(by_session.status == by_processes.status);
    CHECK(essence(by_session.out) == essence(by_processes.out));
  }
  CHECK(proxies(sandbox).empty());
}

TEST_CASE("a run shows what a session reads as kubectl would, and the documented reads as run") {
  Sandbox sandbox;
  CHECK(sandbox.run().status == 0);
  const auto told = transcripts(sandbox.run_folder());
  CHECK(has(told, "--unix-socket="));
  CHECK(has(told, " get --raw '/api/v1/namespaces/cattle-system/secrets?limit=500'"));
  CHECK(has(told, " get --raw /version"));
  CHECK(has(told, " create --raw /apis/authentication.k8s.io/v1/tokenreviews -f -"));
  const std::vector<std::string> documented{" get secret/cattle-token-",
                                            " get clusters.management.cattle.io/c-x7k2p -o json"};
  for (const auto& command : documented) {
    CAPTURE(command);
    CHECK(has(told, command));
  }
  CHECK(sandbox.run({"--no-session"}).status == 0);
  CHECK_FALSE(has(transcripts(sandbox.run_folder()), "--unix-socket="));
}

TEST_CASE("a session changes nothing: each change is a command of kubectl") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  // A kubectl that only reads, apart from its proxy.
  const auto reading =
      scripted(sandbox,
               "case \" $* \" in *' proxy '*|*' config '*|*' version '*|*' get '*)\n"
               "exec \"$kubectl\" \"$@\" ;; esac\n"
               "echo 'error: no' >&2; exit 1");
  for (const std::string command : {"status", "plan", "run"}) {
    Sandbox::Call call{.args = {command}, .kubectl = reading};
    if (command == "run") {
      call.args = {"run", "--yes", "--no-rancher-backup", "--all"};
    }
    const auto result = sandbox.retrust(call);
    CAPTURE(result.all());
    CHECK(result.status == (command == "run" ? 1 : 3));
  }
  CHECK(sandbox.changes().empty());
  std::set<std::string> verbs;
  for (const auto& request : sandbox.requests()) {
    if (text(request, "/user") == "rancher") continue;
    const auto resource = text(request, "/resource");
    const auto review =
        resource.starts_with("tokenreviews.") || resource.starts_with("selfsubjectaccessreviews.");
    verbs.insert(text(request, "/verb") + (review ? " of a review" : ""));
  }
  for (const auto& verb : verbs) {
    CAPTURE(verb);
    CHECK((verb.empty() || verb == "create of a review" || verb == "get" || verb == "list" ||
           verb == "watch"));
  }
}

TEST_CASE("a session leads through the path of the server's URL") {
  Sandbox sandbox;
  const auto seen =
      sandbox.retrust({.args = {"status", "--verbose"},
                       .local_kubeconfig = sandbox.file("local-through-rancher.kubeconfig")});
  CAPTURE(seen.all());
  CHECK(seen.status == 3);
  CHECK(has(seen.all(), " get --raw /k8s/clusters/local/api/v1/namespaces/kube-system"));
}

TEST_CASE("a session ends with retrust, also by SIGKILL and behind a wrapper that stays") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto wrapper = scripted(sandbox, "\"$kubectl\" \"$@\"\nexit $?");
  const auto temporary = sandbox.directory() / "tmp";
  fs::create_directory(temporary);
  for (const auto signal : {SIGKILL, SIGTERM, SIGINT}) {
    CAPTURE(signal);
    const auto retrust = sandbox.start({.args = {"run", "--yes", "--no-rancher-backup"},
                                        .kubectl = wrapper,
                                        .environment = {{"TMPDIR", temporary.string()}}});
    wait_until("both clusters are read by sessions", [&] {
      // Each is the guard in two processes, the wrapper and the proxy.
      return proxies(sandbox).size() == 8 && has(retrust->out(), "waiting for ");
    });
    CHECK_FALSE(fs::is_empty(temporary));
    retrust->signal(signal);
    CHECK(retrust->wait() == 128 + signal);
    wait_until("no proxy is left", [&] { return proxies(sandbox).empty(); });
    wait_until("no socket is left", [&] { return fs::is_empty(temporary); });
  }
}

TEST_CASE("where there can be no session, commands of kubectl read") {
  Sandbox sandbox;
  const auto status = [&](const std::string& words) {
    const auto seen =
        sandbox.retrust({.args = {"status", "--verbose"}, .kubectl = scripted(sandbox, words)});
    CAPTURE(seen.all());
    CHECK(seen.status == 3);
    // The server's version decides who makes a token secret.
    CHECK(has(seen.all(), " version -o json"));
    CHECK(seen.err.empty());
  };
  status(
      "case \" $* \" in *' proxy '*) echo 'error: no' >&2; exit 1 ;; esac\nexec \"$kubectl\" "
      "\"$@\"");
  status(
      "case \" $* \" in *' proxy '*) echo 'Starting to serve on x'; exec sleep 1000 ;; esac\n"
      "exec \"$kubectl\" \"$@\"");
}

TEST_CASE("a kubectl that is a script is asked for each read, unless a session is asked for") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  // It changes what the real one prints, as a filter of an operator does.
  const auto filter = scripted(sandbox,
                               "case \" $* \" in *' get '*)\n"
                               "\"$kubectl\" \"$@\" | sed 's/is not ready/is being watched/' ;;\n"
                               "*) exec \"$kubectl\" \"$@\" ;; esac");
  const auto reads = [&](const std::string& said) {
    const auto seen = sandbox.retrust({.args = {"status", "--verbose"},
                                       .kubectl = filter,
                                       .environment = {{"RETRUST_NO_SESSION", said}}});
    CAPTURE(seen.all());
    CHECK(seen.status == 3);
    return std::string(has(seen.all(), "--unix-socket=") ? "session" : "commands");
  };
  CHECK(reads("") == "commands");
  CHECK(reads("true") == "commands");
  CHECK(reads("false") == "session");
}

TEST_CASE("the kubectl that a dispatcher selects is started itself from then on") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "dispatching";
  fs::create_directory(folder);
  const auto selected = folder / "kubectl.1.35";
  const auto dispatcher = folder / "kubectl";
  fs::copy_file(on_path(real_kubectl()), selected);
  write_file(dispatcher, "#!/bin/sh\nexec '" + selected.string() + "' \"$@\"\n");
  fs::permissions(dispatcher, fs::perms::owner_all);
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--no-rancher-backup"}, .kubectl = dispatcher.string()});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), " starts " + selected.string() + " for the downstream cluster"));
  const auto told = transcripts(sandbox.run_folder());
  CHECK(has(told, "\"program\":\"" + selected.string() + "\""));
}

TEST_CASE("a proxy that serves and hangs holds nobody up") {
  Sandbox sandbox;
  const auto stopped =
      scripted(sandbox,
               "case \" $* \" in *' proxy '*)\n"
               "said=\"$(dirname \"$0\")/said-$$\"; \"$kubectl\" \"$@\" >\"$said\" & proxy=$!\n"
               "until grep -q Starting \"$said\"; do sleep 0.01; done\n"
               "kill -STOP $proxy; cat \"$said\"; wait $proxy ;;\n"
               "*) exec \"$kubectl\" \"$@\" ;; esac");
  const auto seen = sandbox.retrust(
      {.args = {"status", "--verbose", "--command-timeout", "9s"}, .kubectl = stopped});
  CAPTURE(seen.all());
  CHECK(seen.status == 3);
  CHECK(has(seen.all(), "silent for 3"));
  CHECK(proxies(sandbox).empty());
}

}  // namespace
}  // namespace retrust::e2e
