// Login plugins that ask their user, on a terminal and without one.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

/// A kubectl that starts no other one: gcloud's logs in by itself first, also for `config view`.
std::string plain_kubectl(const fs::path& directory) {
  const char* version = std::getenv("RETRUST_TEST_KUBECTL_VERSION");
  if (version != nullptr) return kubectl_of_version(version, directory);
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  Child find({.command = {"sh", "-c", "readlink -f \"$(command -v \"$0\")\"",
                          named == nullptr ? "kubectl" : named},
              .directory = directory,
              .name = "find-kubectl"});
  REQUIRE(find.wait() == 0);
  const fs::path found = lines_of(find.out()).front();
  std::string plain = found.string();
  for (const auto& entry : fs::directory_iterator(found.parent_path())) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("kubectl.1.")) plain = std::max(plain, entry.path().string());
  }
  return plain;
}

/// Clusters to which people log in with a plugin of that behaviour.
class Clusters : public Sandbox {
 public:
  explicit Clusters(const std::string& asks, const std::string& mode = "IfAvailable")
      : kubectl_(plain_kubectl(directory())) {
    // The answer is kept in the file `cache`, unless the behaviour is to keep nothing.
    write_file(directory() / "plugin", R"(#!/bin/sh
give() {
  printf '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
    "status": {"token": "%s"}}' "$TOKEN"
  exit
}
cd "$FOLDER"
[ ! -e cache ] || give
[ -t 2 ] || [ "$ASKS" = device ] || { echo 'nobody is there to ask' >&2; exit 1; }
echo asked >>asked
case $ASKS in
  device)
    echo 'open https://login.example.com and enter WXYZ-1234' >&2
    until [ -e confirmed ]; do sleep 0.01; done
    : >cache ;;
  dies)
    stty -echo </dev/tty
    exit 1 ;;
  hides)
    stty -echo </dev/tty
    printf 'Your secret: ' >&2
    read -r secret </dev/tty ;;
  *)
    printf 'Your code: ' >&2
    # A person takes longer than 2 s to answer.
    [ "$ASKS" != forgets ] || sleep 2
    if [ -t 0 ]; then read -r code; else read -r code </dev/tty; fi
    echo "$code" >>codes
    [ "$ASKS" = forgets ] || : >cache ;;
esac
give
)");
    fs::permissions(directory() / "plugin", fs::perms::owner_all);
    for (const auto* side : {"downstream", "local"}) {
      auto config = boost::json::parse(read_file(file(std::string(side) + ".kubeconfig")));
      auto& user = config.at_pointer("/users/0/user").as_object();
      const auto env = [](const char* name, const std::string& value) {
        return boost::json::object{{"name", name}, {"value", value}};
      };
      boost::json::object exec{
          {"apiVersion", "client.authentication.k8s.io/v1beta1"},
          {"command", (directory() / "plugin").string()},
          {"interactiveMode", mode},
          {"env", boost::json::array{env("TOKEN", std::string(user.at("token").as_string())),
                                     env("FOLDER", directory().string()), env("ASKS", asks)}}};
      user = {{"exec", std::move(exec)}};
      write_file(directory() / side, boost::json::serialize(config));
    }
  }

  Call call(std::vector<std::string> args) const {
    return {.args = std::move(args),
            .kubeconfig = (directory() / "downstream").string(),
            .local_kubeconfig = (directory() / "local").string(),
            .kubectl = kubectl_};
  }

  std::string asked() const { return read_file(directory() / "asked"); }

 private:
  std::string kubectl_;
};

TEST_CASE("a login plugin that reads the terminal is asked once, before anything else") {
  std::vector<std::string> args{"status"};
  SUBCASE("by sessions") {}
  SUBCASE("by processes") {
    args.emplace_back("--no-session");
  }
  Clusters clusters("reads");
  const auto child = clusters.start_on_terminal(clusters.call(args));
  wait_until("the question", [&] { return has(child->out(), "Your code: "); });
  CHECK(clusters.requests().empty());
  child->write("4711\n");
  CHECK(child->wait() == 3);
  CAPTURE(child->out());
  CHECK(clusters.asked() == "asked\n");
  CHECK(read_file(clusters.directory() / "codes") == "4711\n");
  CHECK(has(child->out(), "retrust first logs in to the downstream cluster"));
}

TEST_CASE("after a login on the terminal, a run asks its own question there") {
  Clusters clusters("reads");
  const auto run = clusters.answered(
      clusters.call({"run", "--no-rancher-backup", "--timeout", "30s"}), "4711\nyes");
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(clusters.ready() == "True");
  CHECK(clusters.asked() == "asked\n");
  const auto written = transcripts(clusters.run_folder());
  CHECK(has(written, " get --raw /version"));
  CHECK_FALSE(has(written, "Your code"));
}

TEST_CASE("a device code shows on the terminal, and retrust waits until it is entered") {
  Clusters clusters("device");
  const auto child = clusters.start_on_terminal(clusters.call({"status"}));
  wait_until("the code", [&] { return has(child->out(), "WXYZ-1234"); });
  write_file(clusters.directory() / "confirmed", "");
  CHECK(child->wait() == 3);
  CHECK(clusters.asked() == "asked\n");
}

TEST_CASE("a login plugin that keeps nothing would ask again and again: refused before a start") {
  Clusters clusters("forgets");
  std::vector<std::string> args{"run", "--yes", "--no-rancher-backup"};
  std::string times = "at least 1 more time";
  SUBCASE("by sessions") {}
  SUBCASE("by processes") {
    args.emplace_back("--no-session");
    times = "at least 2 more times";
  }
  const auto run = clusters.answered(clusters.call(args), "4711");
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(unwrapped(run.out), "does not keep the login"));
  CHECK(has(unwrapped(run.out), times));
  CHECK(has(run.out, "nobody is there to ask"));
  CHECK(clusters.asked() == "asked\n");
  CHECK(clusters.changes().empty());
}

TEST_CASE("a terminal is as before after a plugin that dies while it hides what is typed") {
  Clusters clusters("dies");
  auto call = clusters.call({"status"});
  call.shell = R"("$@"; status=$?; stty -a >modes; exit $status)";
  const auto run = clusters.answered(call, "");
  CAPTURE(run.all());
  CHECK(run.status == 6);
  CHECK(has(unwrapped(run.out), "gave no credentials"));
  const auto modes = read_file(clusters.directory() / "modes");
  CHECK(has(modes, " echo "));
  CHECK(has(modes, "susp = ^Z"));
}

TEST_CASE("Ctrl-C at a login plugin's question ends the run and its plugin") {
  Clusters clusters("reads");
  auto call = clusters.call({"run", "--yes", "--no-rancher-backup"});
  // In files: a terminal may drop what is printed right after Ctrl-C.
  call.shell =
      R"("$@"; status=$?; echo $status >status; read -r typed; echo "$typed" >typed; exit $status)";
  const auto child = clusters.start_on_terminal(call);
  wait_until("the question", [&] { return has(child->out(), "Your code: "); });
  child->write("\x03");
  wait_until("the end", [&] { return read_file(clusters.directory() / "status") == "130\n"; });
  // Nobody else reads the terminal any more.
  child->write("hello\n");
  CHECK(child->wait() == 130);
  CHECK(read_file(clusters.directory() / "typed") == "hello\n");
  CHECK(has(transcripts(clusters.run_folder()), "interrupted by signal 2"));
  CHECK(clusters.requests().empty());
}

TEST_CASE("a signal during a login ends it, and the terminal is as before") {
  Clusters clusters("hides");
  auto call = clusters.call({"status"});
  call.shell = R"("$@" <&0 & echo $! >number; wait $!; status=$?; stty -a >modes; exit $status)";
  const auto child = clusters.start_on_terminal(call);
  wait_until("the question", [&] { return has(child->out(), "Your secret: "); });
  ::kill(std::stoi(read_file(clusters.directory() / "number")), SIGTERM);
  CHECK(child->wait() == 143);
  CHECK(has(read_file(clusters.directory() / "modes"), " echo "));
  CHECK(clusters.requests().empty());
}

TEST_CASE("a login plugin that needs a terminal for each kubectl is refused before it asks") {
  // Kubectl 1.20 does not know the mode.
  const char* version = std::getenv("RETRUST_TEST_KUBECTL_VERSION");
  if (version != nullptr && std::string_view(version) == "1.20") return;
  Clusters clusters("reads", "Always");
  const auto status = clusters.answered(clusters.call({"status"}), "4711");
  CAPTURE(status.all());
  CHECK(status.status == 4);
  CHECK(has(unwrapped(status.out), "(interactiveMode: Always)"));
  CHECK(has(unwrapped(status.out), "set interactiveMode: IfAvailable at the plugin in "));
  CHECK(clusters.asked().empty());
}

TEST_CASE("without a terminal a plugin asks nobody, and the advice is to log in on one") {
  std::vector<std::string> args{"status"};
  std::string asks;
  std::string words;
  SUBCASE("one that gives up") {
    asks = "reads";
    words = "log in on a terminal first: ";
  }
  SUBCASE("one that waits") {
    asks = "device";
    words = "if the login plugin asks, log in on a terminal first: ";
    args.insert(args.end(), {"--command-timeout", "1s"});
  }
  Clusters clusters(asks);
  const auto status = clusters.retrust(clusters.call(args));
  CAPTURE(status.all());
  CHECK(status.status == 6);
  CHECK(has(status.err, words));
  CHECK(has(status.err, "downstream version\n"));
}

}  // namespace
}  // namespace retrust::e2e
