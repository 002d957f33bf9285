// No secret shows, with any command and option, and after any failure.
#include <cstdlib>
#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A kubectl that writes down each argument and the environment that it was started with, does as
/// these words of a shell say, and is the real one then.
std::string watched_kubectl(Sandbox& sandbox, const std::string& words) {
  const auto path = sandbox.directory() / "watched-kubectl";
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(path, "#!/bin/sh\n{ printf '%s\\n' \"$@\"; env; } >>'" +
                       (sandbox.directory() / "started").string() + "'\n" + words + "\nexec '" +
                       (real == nullptr ? "kubectl" : real) + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

/// Every file of a run but the backup.
std::string written_in(const fs::path& folder) {
  std::string all;
  if (!fs::exists(folder)) return all;
  for (auto entry = fs::recursive_directory_iterator(folder);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->path().filename() == "backup") {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      all += read_file(entry->path());
    }
  }
  return all;
}

struct Scenario {
  std::vector<std::string> sandbox;
  std::vector<std::string> args;
  /// What kubectl does besides.
  std::string words = {};
};

void check_nothing_shows(const Scenario& scenario) {
  Sandbox sandbox(scenario.sandbox);
  auto tokens = secrets(sandbox);
  Sandbox::Call call;
  call.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s"};
  call.args.insert(call.args.end(), scenario.args.begin(), scenario.args.end());
  call.kubectl = watched_kubectl(sandbox, scenario.words);
  const auto run = sandbox.retrust(call);
  tokens.merge(secrets(sandbox));
  // Each in seven forms and more.
  REQUIRE(tokens.size() >= 20);
  check_hidden(tokens, "terminal", run.all());
  check_hidden(tokens, "files", written_in(sandbox.run_folder()));
  check_hidden(tokens, "arguments and environment", read_file(sandbox.directory() / "started"));
  CHECK(has(transcripts(sandbox.run_folder()), "Exit status"));
}

TEST_CASE("no secret shows with options that print more") {
  const std::vector<std::vector<std::string>> worlds{
      {},
      {"--fault", "agents-never-report"},
      {"--fault", "no-agents-start"},
      {"--fault", "no-token=never"},
      {"--rancher", "2.6.6", "--kubernetes", "1.24"},
      {"--rancher", "2.12", "--kubernetes", "1.30"},
      {"--rancher", "2.15", "--kubernetes", "1.30", "--fault", "agents-never-report"}};
  for (const auto& world : worlds) {
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--verbose"},
          std::vector<std::string>{"--verbose", "-o", "json", "--repair-impersonation"}}) {
      CAPTURE(world.size());
      CAPTURE(more.size());
      check_nothing_shows({world, more});
    }
  }
}

TEST_CASE("no secret shows after any failure of a kubectl") {
  const std::vector<std::string> troubles{
      "case \" $* \" in *' delete '*) echo no >&2; exit 1 ;; esac",
      "case \" $* \" in *' replace '*) cat >&2; exit 1 ;; esac",
      "case \" $* \" in *' replace '*) cat; exit 0 ;; esac",
      "case \" $* \" in *' create '*) cat >&2; exit 1 ;; esac",
      "case \" $* \" in *' replace '*) sleep 100 ;; esac"};
  for (const auto& trouble : troubles) {
    CAPTURE(trouble);
    check_nothing_shows({{"--rancher", "2.12", "--fault", "agents-never-report"},
                         {"--verbose", "--command-timeout", "2s"},
                         trouble});
  }
}

TEST_CASE("what fails and prints the kubeconfigs' tokens prints them masked") {
  // kubectl config view comes last; the others are back by then.
  for (const std::string words :
       {"error: $(cat TOKENS)", "$(cat TOKENS)", "I0312 12:00:00.000000 1 x.go:1] $(cat TOKENS)"}) {
    CAPTURE(words);
    Sandbox sandbox;
    const auto file = sandbox.directory() / "tokens";
    std::string tokens;
    for (const auto* name : {"downstream.kubeconfig", "local.kubeconfig"}) {
      const auto config = boost::json::parse(read_file(sandbox.file(name)));
      tokens += text(config, "/users/0/user/token") + " ";
    }
    REQUIRE(tokens.size() > 20);
    write_file(file, tokens);
    auto said = words;
    if (const auto at = said.find("TOKENS"); at != std::string::npos) {
      said.replace(at, 6, "'" + file.string() + "'");
    }
    Sandbox::Call call;
    call.args = {"run", "--yes", "--no-rancher-backup", "--verbose"};
    call.kubectl =
        watched_kubectl(sandbox, "case \" $* \" in *' config view '*) sleep 1 ;; *) echo \"" +
                                     said + "\" >&2; exit 1 ;; esac");
    const auto run = sandbox.retrust(call);
    CHECK(run.status != 0);
    check_hidden(secrets(sandbox), "terminal", run.all());
    check_hidden(secrets(sandbox), "files", written_in(sandbox.run_folder()));
  }
}

TEST_CASE("what kubectl quotes of a kubeconfig that it cannot read shows on no terminal") {
  for (const std::string side : {"downstream", "local"}) {
    CAPTURE(side);
    Sandbox sandbox;
    // kubectl prints both users whole where two have one name.
    auto kubeconfig = boost::json::parse(read_file(sandbox.file(side + ".kubeconfig")));
    auto& users = kubeconfig.at("users").as_array();
    const auto twin = users.at(0);
    users.push_back(twin);
    users.at(1).at("user").at("token") = "opaque-administrators-token";
    const auto path = (sandbox.directory() / "twins.kubeconfig").string();
    write_file(path, boost::json::serialize(kubeconfig));
    Sandbox::Call call;
    call.args = {"run", "--yes", "--no-rancher-backup"};
    (side == "local" ? call.local_kubeconfig : call.kubeconfig) = path;
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status == 2);
    CHECK(has(run.err, "duplicate name"));
    auto tokens = secrets(sandbox);
    tokens.insert("opaque-administrators-token");
    check_hidden(tokens, "terminal", run.all());
    check_hidden(tokens, "files", written_in(sandbox.run_folder()));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("a deletion that kubectl did not make is a failure, and says so") {
  Sandbox sandbox;
  Sandbox::Call call;
  call.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "5s"};
  call.kubectl = watched_kubectl(
      sandbox, "case \" $* \" in *' delete '*) echo 'deletion is cancelled'; exit 0 ;; esac");
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == 1);
  CHECK(has(run.err, "kubectl ended with status 0, but did not delete secret cattle-token-"));
  CHECK(has(run.err, "~/.kube/kuberc"));
}

TEST_CASE("a login plugin's words reach the operator, and no transcript") {
  Sandbox sandbox;
  Sandbox::Call call;
  call.args = {"run", "--yes", "--no-rancher-backup"};
  call.kubectl = watched_kubectl(
      sandbox,
      "case \" $* \" in *' get '*) echo 'please log in: aws sso login' >&2; echo 'Unable to "
      "connect to the server: getting credentials: exec: executable aws failed with exit code 255' "
      ">&2; exit 1 ;; esac");
  const auto run = sandbox.retrust(call);
  CHECK(run.status != 0);
  CHECK(has(run.err, "please log in: aws sso login"));
  CHECK(has(run.err, "executable aws failed with exit code 255"));
  const auto written = written_in(sandbox.run_folder());
  CHECK_FALSE(has(written, "please log in"));
  CHECK(has(written, "1 other line withheld"));
}

TEST_CASE("a command that prints the token itself, in any form, prints it masked") {
  const std::string read =
      "token=$(kubectl --kubeconfig='KUBECONFIG' get clusters.management.cattle.io c-x7k2p "
      "-o jsonpath={.status.serviceAccountToken})\n";
  const std::vector<std::string> forms{"printf '%s\\n' \"$token\"",
                                       "printf '%s' \"$token\" | base64",
                                       "printf '%s' \"$token\" | base64 -w 64",
                                       "printf 'a%s' \"$token\" | base64 -w 0",
                                       "printf 'ab%s.' \"$token\" | base64 -w 0",
                                       "printf '%s\\n' \"$token\" | tr . '\\n'"};
  for (const auto& form : forms) {
    CAPTURE(form);
    for (const std::string where : {"", " >&2; exit 1"}) {
      Sandbox sandbox;
      auto words = read;
      const std::string placeholder = "KUBECONFIG";
      words.replace(words.find("'" + placeholder) + 1, placeholder.size(),
                    sandbox.file("local.kubeconfig"));
      auto tokens = secrets(sandbox);
      Sandbox::Call call;
      call.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "2s", "--verbose"};
      call.kubectl = watched_kubectl(sandbox, "case \" $* \" in *' delete '*)\n" + words + "{ " +
                                                  form + "; }" + where + "\n;; esac");
      const auto run = sandbox.retrust(call);
      tokens.merge(secrets(sandbox));
      check_hidden(tokens, "terminal", run.all());
      check_hidden(tokens, "files", written_in(sandbox.run_folder()));
      // A line that kubectl is not known to print is withheld as a whole.
      CHECK((has(run.all(), "‹token") || has(run.all(), "withheld")));
    }
  }
}

}  // namespace
}  // namespace retrust::e2e
