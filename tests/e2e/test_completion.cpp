// Completion as it is installed: what `retrust complete` says, and what the shells make of it. zsh
// and bash run on a terminal, in which the script `typing` beside this file types.
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "installed.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string program() {
  return std::getenv("RETRUST_TEST_PROGRAM");
}

/// What a command prints, that has to succeed without a word of complaint.
std::string said(const Sandbox& sandbox, const Words& command, const Variables& environment) {
  Child child({.command = command,
               .environment = environment,
               .directory = sandbox.directory(),
               .name = "completion"});
  const auto status = child.wait();
  CAPTURE(command.front());
  CHECK(status == 0);
  CHECK(child.err() == "");
  return child.out();
}

std::string completed(const Sandbox& sandbox, Words words, Variables environment = {}) {
  words.insert(words.begin(), {program(), "complete"});
  environment.emplace("HOME", sandbox.directory().string());
  return said(sandbox, words, environment);
}

void name_cluster(Sandbox& sandbox, const std::string& name) {
  const auto named =
      sandbox.kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge",
                                "-p", R"({"spec":{"displayName":")" + name + R"("}})"});
  REQUIRE(named.status == 0);
}

void make_script(const fs::path& path, const std::string& text) {
  write_file(path, "#!/bin/sh\n" + text);
  fs::permissions(path, fs::perms::owner_all);
}

TEST_CASE("clusters are asked of the local cluster, whichever way the line tells it") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto local = sandbox.file("local.kubeconfig");
  const std::string by_id = "c-x7k2p\tproduction\n:4\n";
  const std::string by_name = "production\tc-x7k2p\n:4\n";
  const auto all =
      "c-m4q9d\tstaging\nc-x7k2p\tproduction\nlocal\tlocal\nstaging\tc-m4q9d\n" + by_name;
  CHECK(completed(sandbox, {"run", "--local-kubeconfig", local, "--cluster", "c-x"}) == by_id);
  CHECK(completed(sandbox, {"run", "--local-kubeconfig=" + local, "--cluster=pr"}) == by_name);
  CHECK(completed(sandbox, {"--local-kubeconfig", local, "--cluster", ""}) == all);
  CHECK(completed(sandbox, {"run", "--local-kubeconfig", local, "--cluster", "x"}) == ":4\n");
  // As the shell has it, not opened out yet; half of a line, or a wrong one.
  const auto home = "~/" + fs::path(local).lexically_relative(sandbox.directory()).string();
  REQUIRE_FALSE(has(home, ".."));
  CHECK(completed(sandbox, {"run", "--local-kubeconfig", home, "--cluster", "c-x"}) == by_id);
  CHECK(completed(sandbox, {"rnu", "--unknown", "-z", "--kubeconfig", "/nonexistent",
                            "--local-kubeconfig", local, "--cluster", "c-x"}) == by_id);
  CHECK(completed(sandbox, {"run", "--local-kubeconfig", local, "--timeout=nonsense", "--output",
                            "x", "--local-context", "none", "--cluster", "c-x"}) == ":4\n");
  // The environment, and a file that says something wrong too.
  CHECK(completed(sandbox, {"run", "--cluster", "c-x"}, {{"RETRUST_LOCAL_KUBECONFIG", local}}) ==
        by_id);
  const auto config = sandbox.directory() / "config";
  write_file(config, "# mine\nunknown = 1\nlocal-kubeconfig = " + local + "\n");
  CHECK(completed(sandbox, {"run", "--config", "~/config", "--cluster", "c-x"}) == by_id);
  CHECK(completed(sandbox, {"run", "--cluster", "c-x"}, {{"RETRUST_CONFIG", config.string()}}) ==
        by_id);
  CHECK(completed(sandbox, {"run", "--config", "~/config", "--local-kubeconfig", "/nonexistent",
                            "--cluster", "c-x"}) == ":4\n");
}

TEST_CASE("clusters are asked through Rancher's container where there is no kubeconfig") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto folder = sandbox.directory() / "docker";
  fs::create_directories(folder);
  const Variables docker{
      {"RETRUST_TEST_DOCKER_FOLDER", folder.string()},
      {"RETRUST_TEST_DOCKER_KUBECONFIG", sandbox.file("local.kubeconfig")},
      {"RETRUST_DOCKER", std::getenv("RETRUST_TEST_DOCKER")},
  };
  CHECK(completed(sandbox, {"run", "--rancher-container", "rancher", "--cluster", "c-x"}, docker) ==
        "c-x7k2p\tproduction\n:4\n");
  CHECK(completed(sandbox, {"run", "--rancher-container", "other", "--cluster", ""}, docker) ==
        ":4\n");
  // Nothing that docker would take for an option.
  const auto before = read_file(folder / "log");
  CHECK(completed(sandbox, {"run", "--rancher-container=--help", "--cluster", ""}, docker) ==
        ":4\n");
  CHECK(read_file(folder / "log") == before);
}

TEST_CASE("what cannot be asked is not said, and not waited for") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto local = "--local-kubeconfig=" + sandbox.file("local.kubeconfig");
  CHECK(completed(sandbox, {"run", "--cluster", ""}) == ":4\n");
  CHECK(completed(sandbox, {"run", "--local-kubeconfig=/nonexistent", "--cluster", ""}) == ":4\n");
  CHECK(completed(sandbox, {"run", local, "--kubectl=/nonexistent", "--cluster", ""}) == ":4\n");
  CHECK(completed(sandbox, {"run", "--config=/nonexistent", "--cluster", ""}) == ":4\n");
  CHECK(completed(sandbox, {"run", "--config=.", "--cluster", ""}) == ":4\n");
  const auto wrong = sandbox.directory() / "wrong";
  write_file(wrong, "no line\n");
  CHECK(completed(sandbox, {"run", "--config=wrong", local, "--cluster", "c-x"}) ==
        "c-x7k2p\tproduction\n:4\n");
  const auto slow = sandbox.directory() / "slow-kubectl";
  make_script(slow, "exec sleep 1000\n");
  CHECK(completed(sandbox, {"run", local, "--kubectl=" + slow.string(), "--cluster", ""}) ==
        ":4\n");
}

TEST_CASE("kubectl's completion gets no candidate that would have to be quoted") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Installed installed(sandbox.directory());
  name_cluster(sandbox, "a $(touch evil) name");
  CHECK(said(sandbox,
             {installed.bin() / "kubectl_complete-retrust", "run", "--local-kubeconfig",
              sandbox.file("local.kubeconfig"), "--cluster", ""},
             {}) ==
        "c-m4q9d\tstaging\nc-x7k2p\ta $(touch evil) name\nlocal\tlocal\nstaging\tc-m4q9d\n:4\n");
}

/// What the shells have to make of a line, wherever they run.
struct Typed {
  std::string line;
  std::string then;  ///< the line after TAB
  Words shown = {};  ///< is listed below
};

/// The lines that are the same in bash and zsh.
std::vector<Typed> typed_anywhere(const std::string& local) {
  return {
      {"retrust st", "retrust st", {"status", "step"}},
      {"retrust sta", "retrust status "},
      {"retrust help ro", "retrust help rollback "},
      {"retrust run --rancher-c", "retrust run --rancher-container "},
      {"retrust run --yes --ye", "retrust run --yes --ye"},
      {"retrust run --no-such --rancher-c", "retrust run --no-such --rancher-container "},
      {"retrust run --output j", "retrust run --output json "},
      {"retrust run --output=j", "retrust run --output=json "},
      {"retrust run --color=", "retrust run --color=", {"always", "auto", "never"}},
      {"retrust step get-t", "retrust step get-token "},
      {"retrust run --skip rest", "retrust run --skip restart-rancher"},
      {"retrust run --skip 3.1,get-t", "retrust run --skip 3.1,get-token"},
      {"retrust run --skip=3.1,get-t", "retrust run --skip=3.1,get-token"},
      {"retrust run --kubeconfig some/fil", "retrust run --kubeconfig some/file.yaml "},
      {"retrust run --kubeconfig=some/fil", "retrust run --kubeconfig=some/file.yaml "},
      {"retrust run --kubeconfig ~/some/fil", "retrust run --kubeconfig ~/some/file.yaml "},
      {"retrust run --config some/a\\ f", "retrust run --config some/a\\ file "},
      {"retrust rollback some/f", "retrust rollback some/folder/"},
      {"retrust run --run-dir=some/f", "retrust run --run-dir=some/folder/"},
      {"retrust rollback some/another\\ f", "retrust rollback some/another\\ folder/"},
      {"retrust run --timeout ", "retrust run --timeout "},
      {"true; FOO=bar retrust sta", "true; FOO=bar retrust status "},
      {"retrust run --help ", "retrust run --help "},
      {"retrust run " + local + " --cluster c-x", "retrust run " + local + " --cluster c-x7k2p "},
      {"retrust run " + local + " --cluster=c-x", "retrust run " + local + " --cluster=c-x7k2p "},
      {"retrust run " + local + " --cluster \"c-x",
       "retrust run " + local + " --cluster \"c-x7k2p\" "},
      {"retrust run --local-kubeconfig \"~/none\" --cluster c-x",
       "retrust run --local-kubeconfig \"~/none\" --cluster c-x"},
      // Nothing of a line is evaluated.
      {"retrust run --kubectl $(touch evil) --kubectl=`touch evil` " + local + " --cluster x",
       "retrust run --kubectl $(touch evil) --kubectl=`touch evil` " + local + " --cluster x"},
  };
}

class Desk {
 public:
  explicit Desk(Sandbox& sandbox) : installed(sandbox.directory()), sandbox_(sandbox) {
    const auto some = sandbox.directory() / "some";
    for (const std::string name : {"folder", "another folder"}) fs::create_directories(some / name);
    for (const std::string name : {"file.yaml", "a file"}) write_file(some / name, "x");
    environment = installed.environment();
    environment["HOME"] = sandbox.directory().string();
    environment["LC_ALL"] = "C.UTF-8";
  }

  /// Types lines in a shell, and looks at what it makes of them.
  void check(const std::string& shell, const std::vector<Typed>& lines) const {
    Words command{std::getenv("RETRUST_TEST_TYPING"), shell, installed.data().string()};
    for (const auto& typed : lines) command.push_back(typed.line);
    const auto text = said(sandbox_, command, environment);
    std::size_t at = 0;
    for (const auto& typed : lines) {
      const auto begin = text.find("== " + typed.line + "\n", at);
      REQUIRE(begin != std::string::npos);
      at = text.find("]]", begin);
      const auto shown = text.substr(begin, at - begin);
      CAPTURE(shown);
      CHECK(shown.substr(shown.rfind("[[") + 2) == typed.then);
      for (const auto& word : typed.shown) CHECK(has(shown, word));
    }
    CHECK_FALSE(fs::exists(sandbox_.directory() / "evil"));
  }

  const Installed installed;
  Variables environment;

 private:
  Sandbox& sandbox_;
};

TEST_CASE("bash completes on a terminal") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Desk desk(sandbox);
  const auto local = "--local-kubeconfig " + sandbox.file("local.kubeconfig");
  desk.check("bash", typed_anywhere(local));
  const auto line = "retrust run " + local + " --cluster";
  // In the middle of a line, by Ctrl-B.
  desk.check("bash", {{"retrust sta -v\x02\x02\x02", "retrust status -v"},
                      {"retrust run --outp x\x02\x02", "retrust run --output x"},
                      {line + "=\"c-x", line + "=\"c-x7k2p\" "}});
  name_cluster(sandbox, "the $(touch evil) one: production");
  desk.check("bash", {{line + " the", line + " the\\ \\$\\(touch\\ evil\\)\\ one:\\ production "},
                      {line + "=the", line + "=the\\ \\$\\(touch\\ evil\\)\\ one:\\ production "},
                      // Within quotes this one cannot be put.
                      {line + " \"the", line + " \"the"}});
  name_cluster(sandbox, "two:words here");
  desk.check("bash", {{line + " two:w", line + " two:words\\ here "},
                      {line + "=two:words\\ h", line + "=two:words\\ here "},
                      {line + " 'two:w", line + " 'two:words here' "}});
}

TEST_CASE("zsh completes on a terminal") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Desk desk(sandbox);
  const auto local = "--local-kubeconfig " + sandbox.file("local.kubeconfig");
  desk.check("zsh", typed_anywhere(local));
  const auto line = "retrust run " + local + " --cluster";
  // In the middle of a line, by Ctrl-B.
  desk.check("zsh",
             {{"retrust sta -v\x02\x02\x02", "retrust status  -v"},
              {line + "=\"c-x", line + "=c-x7k2p "},
              {"retrust st", "retrust st", {"step    -- do one section of the runbook"}},
              {line + " ", line + " ", {"c-x7k2p     -- production", "production  -- c-x7k2p"}}});
  name_cluster(sandbox, "the $(touch evil) one: production");
  desk.check("zsh", {{line + " the", line + " the\\ \\$\\(touch\\ evil\\)\\ one:\\ production "}});
  name_cluster(sandbox, "two:words here");
  desk.check("zsh", {{line + " two:w", line + " two:words\\ here "},
                     {line + "=two:words\\ h", line + "=two:words\\ here "},
                     {line + "=\"two:w", line + "=two:words\\ here "},
                     {line + " 'two:w", line + " 'two:words here' "}});
}

TEST_CASE("each shell takes its script from retrust completion") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Desk desk(sandbox);
  const auto shown = [&](const std::string& shell, const std::string& script) {
    return said(sandbox, {shell, "-c", script}, desk.environment);
  };
  CHECK(shown("bash", "source <(retrust completion bash) && complete -p retrust") ==
        "complete -F _retrust retrust\n");
  CHECK(
      shown(
          "zsh",
          "fpath=($fpath) && autoload -U compinit && compinit -D -u && "
          "source <(retrust completion zsh) && print $_comps[retrust] $_comps[kubectl-retrust]") ==
      "_retrust _retrust\n");
  CHECK(has(shown("fish", "retrust completion fish | source; complete -C 'retrust roll'"),
            "rollback\t"));
}

TEST_CASE("fish completes") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Desk desk(sandbox);
  const auto completions = [&](const std::string& line) {
    auto environment = desk.environment;
    environment["LINE"] = line;
    return said(sandbox, {"fish", "-c", "complete -C \"$LINE\""}, environment);
  };
  const auto line =
      "retrust run --local-kubeconfig " + sandbox.file("local.kubeconfig") + " --cluster";
  CHECK(completions("retrust sta") ==
        "status\tcompare Rancher's credentials with the cluster's; changes nothing\n");
  CHECK(has(completions("retrust run --cl"), "--cluster\tthe downstream cluster"));
  CHECK(completions("retrust run --yes --ye") == "");
  CHECK(completions("retrust run --output j") == "json\n");
  CHECK(completions("retrust run --output=j") == "--output=json\n");
  CHECK(has(completions("retrust run --skip 3.1,get-t"), "3.1,get-token\t2.3: "));
  CHECK(completions("retrust run --kubeconfig some/fil") == "some/file.yaml\n");
  CHECK(completions("retrust run --kubeconfig \"some/a f") == "some/a file\n");
  CHECK(completions("retrust run --kubeconfig=some/fil") == "--kubeconfig=some/file.yaml\n");
  CHECK(completions("retrust run --kubeconfig ~/some/fil") == "~/some/file.yaml\n");
  CHECK(completions("retrust rollback some/f") == "some/folder/\n");
  CHECK(completions("retrust rollback some/another\\ f") == "some/another folder/\n");
  CHECK(completions("retrust rollback \"some/another f") == "some/another folder/\n");
  CHECK(completions("retrust run --run-dir=~/some/f") == "--run-dir=~/some/folder/\n");
  for (const std::string place : {"rollback \"(touch evil)/", "rollback (touch evil)/",
                                  "run --run-dir=(touch evil)/", "run --cluster (touch evil)"}) {
    CHECK(completions("retrust " + place) == "");
  }
  CHECK(completions("retrust run --timeout ") == "");
  CHECK(completions(line + " c-x") == "c-x7k2p\tproduction\n");
  CHECK(completions(line + "=pr") == "--cluster=production\tc-x7k2p\n");
  name_cluster(sandbox, "the $(touch evil) one: production");
  CHECK(completions(line + " the") == "the $(touch evil) one: production\tc-x7k2p\n");
  CHECK(completions(line + " \"the") == "the $(touch evil) one: production\tc-x7k2p\n");
  CHECK(completions(line + " the\\ ") == "the $(touch evil) one: production\tc-x7k2p\n");
  CHECK(completions("retrust run --kubectl (touch evil) --ye") == "--yes\tdo not ask\n");
  CHECK_FALSE(fs::exists(sandbox.directory() / "evil"));
}

}  // namespace
}  // namespace retrust::e2e
