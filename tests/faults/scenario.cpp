#include "scenario.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <stdlib.h>

namespace retrust::faults {
namespace {

namespace fs = std::filesystem;
using hostile::Command;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

/// The first program of that name on PATH, or the path itself.
fs::path found_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const auto path = variable("PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    const auto file = fs::path(path.substr(begin, end - begin)) / name;
    if (fs::exists(file)) return file;
    begin = end + 1;
  }
  throw std::runtime_error("there is no " + name);
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  using Beside = Command::Beside;
  using enum Command::Prints;
  using enum Command::Effect;
  const std::vector<std::string> bare{"run", "--yes", "--no-rancher-backup"};
  const auto with = [](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const auto run = [&](const std::string& name, const std::string& world,
                       const std::vector<std::string>& more = {},
                       const std::string& patience = "6s",
                       Scenario::Reads reads = Scenario::Reads::session) {
    return Scenario{.name = name,
                    .command = {name, with(bare, more), text, changes, Beside::nothing, {world}},
                    .reads = reads,
                    .patience = patience};
  };
  const auto step = [&](const std::string& name, const std::string& world) {
    return Scenario{.name = "step " + name,
                    .command = {name,
                                {"step", name, "--yes", "--no-rancher-backup"},
                                text,
                                changes,
                                Beside::nothing,
                                {world}}};
  };
  const auto backed_up = [&](const std::string& name, Beside beside) {
    return Scenario{.name = name, .command = {name, {"run", "--yes"}, text, changes, beside, {""}}};
  };
  const auto rollback = [&](const std::string& name, Beside beside) {
    return Scenario{.name = name, .command = {name, {"rollback"}, text, changes, beside, {""}}};
  };
  const std::string silent = "--fault agents-never-report";
  const std::string users = "--rancher 2.7.0 --kubernetes 1.24";
  auto first = run("run", "");
  first.part = Scenario::Part::all;
  static const std::vector<Scenario> all{
      first,
      run("run by processes", "", {}, "6s", Scenario::Reads::processes),
      run("run, silent agents", silent, {}, "2s"),
      run("run, silent agents, by processes", silent, {}, "2s", Scenario::Reads::processes),
      run("run, Rancher 2.0", "--rancher 2.0"),
      run("run, Rancher 2.5.17", "--rancher 2.5.17"),
      run("run, Rancher 2.6.6", "--rancher 2.6.6 --kubernetes 1.24"),
      run("run, Rancher 2.12", "--rancher 2.12 --kubernetes 1.30"),
      run("run, Rancher 2.12, silent agents", "--rancher 2.12 --kubernetes 1.30 " + silent, {},
          "2s"),
      run("run, Rancher 2.15, registration",
          "--rancher 2.15 --kubernetes 1.30 --fault registration=dead", {"--repair-impersonation"}),
      run("run, GKE", "--rancher 2.12 --kubernetes 1.30 --driver GKE"),
      run("run, CA only", "--scenario ca-only"),
      run("run, nothing to do", "--scenario healthy"),
      run("run --all", "", {"--all"}),
      run("run --all-pods", "", {"--all-pods"}),
      run("run, 3.2", users, {"--repair-impersonation"}),
      run("run, 3.2, Rancher 2.6.6", "--rancher 2.6.6 --kubernetes 1.20",
          {"--repair-impersonation"}),
      {.name = "backup operator",
       .command = {"backup operator",
                   {"run", "--yes", "--rancher-backup"},
                   text,
                   changes,
                   Beside::nothing,
                   {"--backup-operator 11"}}},
      backed_up("container", Beside::container),
      backed_up("container with data", Beside::container_with_data),
      backed_up("rke", Beside::rke),
      backed_up("k3s", Beside::k3s),
      backed_up("RKE2", Beside::rke2),
      step("delete-token", ""),
      step("recreate-agents", ""),
      step("update-cluster", "--scenario ca-only " + silent),
      step("restart-rancher", "--rancher 2.0"),
      rollback("rollback", Beside::earlier_run),
      rollback("rollback in a container", Beside::earlier_run_and_container),
      {.name = "step get-token",
       .command = {"get-token", {"step", "get-token"}, token, none, Beside::nothing, {""}}},
      {.name = "status",
       .command = {"status", {"status"}, text, none, Beside::nothing, {""}},
       .status = 3},
      {.name = "plan",
       .command = {"plan", {"plan"}, text, none, Beside::nothing, {""}},
       .status = 3}};
  return all;
}

const Scenario& scenario_named(const std::string& name) {
  const auto found = std::find_if(scenarios().begin(), scenarios().end(),
                                  [&](const Scenario& each) { return each.name == name; });
  if (found == scenarios().end()) throw std::runtime_error("there is no scenario " + name);
  return *found;
}

StandIns::StandIns() {
  auto pattern = (fs::temp_directory_path() / "retrust-stand-ins-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
  folder_ = pattern;
  fs::create_directories(folder_ / "real");
  const char* given = std::getenv("RETRUST_TEST_KUBECTL");
  fs::create_symlink(found_program(given == nullptr ? "kubectl" : given), folder_ / "real/kubectl");
  fs::create_symlink(variable("RETRUST_TEST_DOCKER"), folder_ / "real/docker");
  fs::create_symlink(variable("RETRUST_TEST_RKE"), folder_ / "real/rke");
  for (const auto* name : {"k3s", "rke2"}) {
    fs::create_symlink(variable("RETRUST_TEST_K3S"), folder_ / "real" / name);
  }
  const auto program = variable("RETRUST_TEST_STAND_IN");
  for (const auto* name : {"kubectl", "docker", "rke", "k3s"}) {
    fs::create_symlink(program, folder_ / name);
  }
  ::setenv("RETRUST_TEST_FAULTS_REAL", (folder_ / "real").c_str(), 1);
  ::setenv("RETRUST_TEST_KUBECTL", (folder_ / "kubectl").c_str(), 1);
  ::setenv("RETRUST_TEST_DOCKER", (folder_ / "docker").c_str(), 1);
  ::setenv("RETRUST_TEST_RKE", (folder_ / "rke").c_str(), 1);
  ::setenv("RETRUST_TEST_K3S", (folder_ / "k3s").c_str(), 1);
}

StandIns::~StandIns() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace retrust::faults
