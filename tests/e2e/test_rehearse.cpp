// retrust rehearse: the three commands on clusters of a sandbox that it starts and ends itself.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// A folder to call retrust in. What retrust leaves in TMPDIR is left in `temporary`.
struct Place {
  Place() {
    std::string name = "/tmp/retrust-e2e-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    fs::create_directories(temporary());
    fs::create_directories(directory / "home");
  }
  ~Place() { fs::remove_all(directory); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  fs::path temporary() const { return directory / "temporary"; }
  Child::Setup setup(std::vector<std::string> more) const {
    std::vector<std::string> command{variable("RETRUST_TEST_PROGRAM"), "rehearse"};
    command.insert(command.end(), more.begin(), more.end());
    const auto sandbox = fs::path(variable("RETRUST_TEST_SANDBOX")).parent_path().string();
    return {.command = command,
            .environment = {{"PATH", sandbox + ":" + variable("PATH")},
                            {"HOME", (directory / "home").string()},
                            {"TMPDIR", temporary().string()}},
            .directory = directory,
            .name = "rehearse"};
  }
  Result rehearse(std::vector<std::string> more,
                  const std::map<std::string, std::string>& environment = {}) const {
    auto made = setup(std::move(more));
    for (const auto& [name, value] : environment) made.environment[name] = value;
    Child child(made);
    const auto status = child.wait();
    return {status, child.out(), child.err()};
  }

  fs::path directory;
};

std::string kubectl() {
  const auto given = variable("RETRUST_TEST_KUBECTL");
  return given.empty() ? "kubectl" : given;
}

TEST_CASE("a rehearsal looks, plans and repairs, and leaves its transcript alone") {
  const Place place;
  fs::create_directories(place.directory / "home" / ".config" / "retrust");
  write_file(place.directory / "home" / ".config" / "retrust" / "config",
             "verbose = true\nrancher-container = real\nkubeconfig = /nonexistent\n");
  const auto run = place.rehearse({"--kubectl", kubectl(), "--run-dir", "kept"},
                                  // None of these may count: they are about real clusters.
                                  {{"RETRUST_KUBECONFIG", "/nonexistent"},
                                   {"RETRUST_LOCAL_KUBECONFIG", "/nonexistent"},
                                   {"RETRUST_CONTEXT", "real"},
                                   {"RETRUST_RANCHER_CONTAINER", "real"},
                                   {"RETRUST_K3S", "true"},
                                   {"KUBECONFIG", "/nonexistent"}});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(run.err == "");
  const auto looked = run.out.find("\n== status: ");
  const auto planned = run.out.find("\n== plan: ");
  const auto repaired = run.out.find("\n== run: ");
  CHECK(looked < planned);
  CHECK(planned < repaired);
  CHECK(repaired != std::string::npos);
  CHECK(has(run.out, "Rancher says: Ready False"));
  // By --verbose, which is about no cluster.
  CHECK(has(run.out, " get --raw "));
  CHECK(has(run.out.substr(repaired), "Rancher says Ready True"));
  CHECK(has(transcripts(place.directory / "kept"), "Exit status 0"));
  CHECK(fs::is_empty(place.temporary()));
}

TEST_CASE("words after -- are for the sandbox, and its faults show") {
  const Place place;
  const auto run = place.rehearse({"-q", "--kubectl", kubectl(), "--timeout", "2s", "--",
                                   "--rancher", "2.12", "--fault", "no-agents-start"});
  CAPTURE(run.all());
  CHECK(run.status != 0);
  CHECK_FALSE(has(run.out, "== status"));
  CHECK(has(run.err, "retrust: "));
  const auto wrong = place.rehearse({"--", "--fault", "bogus"});
  CHECK(wrong.status == 2);
  CHECK(has(wrong.err, "there is no fault bogus"));
  CHECK(has(wrong.err, "retrust-sandbox --help"));
  CHECK(fs::is_empty(place.temporary()));
}

TEST_CASE("a rehearsal says what it lacks, and takes nothing that leads to a real cluster") {
  const Place place;
  const auto without = place.rehearse({"--kubectl", "/nonexistent/kubectl"});
  CHECK(without.status == 2);
  CHECK(has(without.err, "cannot find /nonexistent/kubectl\n  install kubectl"));
  const auto alone = place.rehearse({}, {{"PATH", "/nonexistent"}});
  CHECK(alone.status == 2);
  CHECK(has(alone.err, "cannot find retrust-sandbox"));
  for (const std::string option : {"--kubeconfig", "--local-kubeconfig", "--rancher-container"}) {
    const auto real = place.rehearse({option, "real"});
    CHECK(real.status == 2);
    CHECK(has(real.err, option + " has no meaning for rehearse"));
  }
  CHECK(fs::is_empty(place.temporary()));
}

TEST_CASE("a rehearsal that is interrupted ends its sandbox") {
  const Place place;
  auto made = place.setup({"--kubectl", kubectl(), "--", "--fault", "agents-never-report"});
  Child child(made);
  wait_until("a step", [&] { return has(child.out(), "2.1 delete-token\n"); });
  SUBCASE("by Ctrl-C") {
    child.signal(SIGINT);
    CHECK(child.wait() == 128 + SIGINT);
    CHECK(has(child.err(), "interrupted by signal 2"));
    CHECK(fs::is_empty(place.temporary()));
  }
  SUBCASE("by SIGKILL") {
    child.signal(SIGKILL);
    child.wait();
  }
  const auto folder = place.temporary().string();
  wait_until("the sandbox has ended", [&] {
    for (const auto& process : fs::directory_iterator("/proc")) {
      const auto words = read_file(process.path() / "cmdline");
      if (has(words, "retrust-sandbox") && has(words, folder)) return false;
    }
    return true;
  });
}

}  // namespace
}  // namespace retrust::e2e
