// What was true before a question is not relied on after it: the cluster of a context, and objects.
#include <cstdlib>
#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

/// A kubectl that changes the current context before it shows the version of both: that is one of
/// the first commands. Another terminal does so at any time.
std::string switching_kubectl(Sandbox& sandbox, const std::string& kubeconfig) {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string real = named == nullptr ? "kubectl" : named;
  const auto path = sandbox.directory() / "switching-kubectl";
  write_file(path, "#!/bin/sh\ncase \" $* \" in *' create '*|*' delete '*) '" + real +
                       "' --kubeconfig='" + kubeconfig +
                       "' config use-context local >&2 ;; esac\nexec '" + real + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("another current context meanwhile leads no command to another cluster") {
  Sandbox sandbox;
  const auto kubeconfig = sandbox.merged_kubeconfig();
  const auto run = sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                                    .kubeconfig = kubeconfig,
                                    .kubectl = switching_kubectl(sandbox, kubeconfig)});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(read_file(kubeconfig).find("current-context: local") != std::string::npos);
  CHECK(sandbox.ready() == "True");
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    CHECK(change.starts_with("downstream "));
  }
}

TEST_CASE("a hostile name of a context forges no line, and stays one word of each command") {
  Sandbox sandbox;
  auto kubeconfig = boost::json::parse(read_file(sandbox.file("downstream.kubeconfig")));
  const std::string name = "a\n\nDone. Exit status 0.\n\x1b[31m\u202e";
  kubeconfig.at("contexts").at(0).at("name") = name;
  kubeconfig.at("current-context") = name;
  const auto path = (sandbox.directory() / "hostile.kubeconfig").string();
  write_file(path, boost::json::serialize(kubeconfig));
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"}, .kubeconfig = path});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  for (const auto& text : {run.all(), transcripts(sandbox.run_folder())}) {
    CHECK(text.find("\nDone. Exit status 0.\n") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("--context=a\\x0a\\x0aDone. Exit status 0.\\x0a\\x1b[31m") !=
          std::string::npos);
  }
}

TEST_CASE("the kuberc that kubectl reads is named once, on the terminal and in the transcript") {
  Sandbox sandbox;
  const auto kuberc = (sandbox.directory() / "kuberc").string();
  write_file(kuberc, "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n");
  // A kubectl of a version that reads a kuberc.
  const auto path = sandbox.directory() / "newer-kubectl";
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(path,
             "#!/bin/sh\ncase \" $* \" in *' --client '*) echo '{\"clientVersion\": "
             "{\"gitVersion\": \"v1.35.0\", \"major\": \"1\", \"minor\": \"35\"}}'; exit ;; "
             "esac\nexec '" +
                 std::string(named == nullptr ? "kubectl" : named) + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  const auto says = "kubectl reads the kuberc " + kuberc;
  const auto times = [&](const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find(says); at != std::string::npos; at = text.find(says, at + 1)) ++count;
    return count;
  };
  Sandbox::Call call{.args = {"step", "check-cluster", "--timeout", "1s"},
                     .kubectl = path.string(),
                     .environment = {{"KUBERC", kuberc}}};
  const auto step = sandbox.retrust(call);
  CAPTURE(step.all());
  CHECK(step.status == 3);
  CHECK(times(step.all()) == 1);
  CHECK(times(read_file(sandbox.run_folder() / "transcript.jsonl")) == 1);
  call.environment = {{"KUBERC", "off"}};
  CHECK(times(sandbox.retrust(call).all()) == 0);
}

TEST_CASE("without HOME no kuberc of the current folder is read") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "somebodys";
  fs::create_directories(folder / ".kube");
  write_file(folder / ".kube" / "kuberc", "this is none");
  const auto log = sandbox.directory() / "homes";
  const auto path = sandbox.directory() / "telling-kubectl";
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(path, "#!/bin/sh\necho \"home=$HOME\" >>'" + log.string() + "'\nexec '" +
                       (named == nullptr ? "kubectl" : named) + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  Sandbox::Call call{.args = {"status"}, .kubectl = path.string()};
  call.shell = "cd '" + folder.string() + R"('; unset HOME; exec "$@")";
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == 3);
  const auto homes = read_file(log);
  CHECK(homes.find("home=/") != std::string::npos);
  CHECK(homes.find("home=\n") == std::string::npos);
}

/// A kubectl that replaces the agents' token secret by one of the same name, once, after it was
/// read: a colleague who does the same work.
std::string replacing_secret_kubectl(Sandbox& sandbox) {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string real = named == nullptr ? "kubectl" : named;
  const auto path = sandbox.directory() / "colleagues-kubectl";
  const auto kubectl = "'" + real + "' --kubeconfig='" + sandbox.file("downstream.kubeconfig") +
                       "' -n cattle-system ";
  write_file(path, "#!/bin/sh\ncase \" $* \" in *' create '*) mkdir '" +
                       (sandbox.directory() / "done").string() + "' 2>/dev/null && {\n" +
                       "name=$(" + kubectl +
                       "get serviceaccount cattle -o jsonpath='{.secrets[0].name}')\n" + kubectl +
                       "delete secret \"$name\" >&2\n" +
                       "printf '{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": "
                       "{\"name\": \"%s\", \"annotations\": "
                       "{\"kubernetes.io/service-account.name\": \"cattle\"}}, \"type\": "
                       "\"kubernetes.io/service-account-token\"}' \"$name\" | " +
                       kubectl + "create -f - >&2\n} ;; esac\nexec '" + real + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("a secret that was replaced while the question stood is not deleted") {
  std::vector<std::string> args;
  SUBCASE("by a run") {
    args = {"run", "--no-rancher-backup"};
  }
  SUBCASE("by a step") {
    args = {"step", "delete-token"};
  }
  Sandbox sandbox;
  const auto run =
      sandbox.answered({.args = args, .kubectl = replacing_secret_kubectl(sandbox)}, "yes\nyes");
  CAPTURE(run.all());
  CHECK(run.status == 0);
  int deletions = 0;
  for (const auto& change : sandbox.changes()) {
    if (change.starts_with("downstream delete secrets ")) ++deletions;
  }
  // The colleague's.
  CHECK(deletions == 1);
}

/// A kubectl that puts another file in the place of a kubeconfig: before a command that has these
/// words, or after a deletion.
std::string swapping_kubectl(Sandbox& sandbox, const std::string& words, const std::string& from,
                             const std::string& to) {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string real = named == nullptr ? "kubectl" : named;
  const auto path = sandbox.directory() / "swapping-kubectl";
  write_file(path, "#!/bin/sh\nswap() { cp '" + from + "' '" + to +
                       "'; }\ncase \" $* \" in *' delete '*'" + words + "'*) '" + real +
                       "' \"$@\"; status=$?; swap; exit $status ;; *'" + words +
                       "'*) swap ;; esac\nexec '" + real + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("another kubeconfig in the place of the first changes nothing in its cluster") {
  struct Swap {
    std::string side;
    std::string before;  ///< which command
    std::vector<std::string> more;
  };
  const std::vector<Swap> swaps{
      {"downstream", " create ", {"--no-session"}},
      {"local", " create ", {"--no-session"}},
      {"downstream", "secret/cattle-token-", {"--no-session"}},
      {"downstream", "secret/cattle-token-", {}},
      {"local", " --field-selector=metadata.name=c-x7k2p -w", {"--no-session"}},
      {"local", " --field-selector=metadata.name=c-x7k2p -w", {"--no-session", "--all"}},
  };
  for (const auto& [side, before, more] : swaps) {
    CAPTURE(side);
    CAPTURE(before);
    CAPTURE(more.size());
    Sandbox sandbox({"--fault", "agents-never-report"});
    Sandbox other({"--fault", "agents-never-report"});
    const auto path = (sandbox.directory() / "swapped.kubeconfig").string();
    write_file(path, read_file(sandbox.file(side + ".kubeconfig")));
    Sandbox::Call call{.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "1s"}};
    call.args.insert(call.args.end(), more.begin(), more.end());
    (side == "local" ? call.local_kubeconfig : call.kubeconfig) = path;
    call.kubectl = swapping_kubectl(sandbox, before, other.file(side + ".kubeconfig"), path);
    const auto run = sandbox.retrust(call);
    CAPTURE(run.all());
    CHECK(run.status != 0);
    CHECK(other.changes().empty());
  }
}

TEST_CASE("without a session a kubectl looks at the cluster before each deletion") {
  Sandbox sandbox;
  const auto run = sandbox.retrust({"run", "--yes", "--no-rancher-backup", "--no-session"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  int looks = 0;
  int deletions = 0;
  for (const auto& line : lines_of(transcripts(sandbox.run_folder()))) {
    const auto says = [&](const char* words) { return line.find(words) != std::string::npos; };
    if (!says("command_started") || !says("downstream.kubeconfig")) continue;
    if (says(" get namespace")) ++looks;
    if (says(" delete ")) CHECK(looks >= ++deletions);
  }
  CHECK(deletions == 2);
}

}  // namespace
}  // namespace retrust::e2e
