#include "calls.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include <boost/algorithm/string/split.hpp>
#include <fmt/format.h>

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;
using Beside = Command::Beside;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

std::string real_kubectl() {
  const char* given = std::getenv("RETRUST_TEST_KUBECTL");
  return given == nullptr ? "kubectl" : given;
}

/// A program that writes its arguments to a file of its own, and is then the real one.
std::string recording(const fs::path& folder, const std::string& name, const std::string& real) {
  const auto path = folder / name;
  // What a stand-in starts by itself is no child of retrust.
  e2e::write_file(path, fmt::format("#!/bin/sh\nprintf '%s\\0' \"$@\" >'{}'.$$\nPATH='{}'\n"
                                    "exec '{}' \"$@\"\n",
                                    path.string(), variable("PATH"), real));
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

void add_container(const e2e::Sandbox& sandbox, const std::string& kubectl, Beside data,
                   e2e::Sandbox::Call& call) {
  const auto folder = sandbox.directory() / "docker";
  fs::create_directories(folder);
  const auto docker = recording(recorded(sandbox), "docker", variable("RETRUST_TEST_DOCKER"));
  call.args.insert(call.args.end(), {"--rancher-container", "rancher", "--docker", docker});
  call.without = {"--local-kubeconfig"};
  call.environment["RETRUST_TEST_DOCKER_FOLDER"] = folder.string();
  call.environment["RETRUST_TEST_DOCKER_KUBECONFIG"] = sandbox.file("local.kubeconfig");
  call.environment["RETRUST_TEST_DOCKER_DATA"] =
      data == Beside::container_with_data ? "in-it" : "on-the-host";
  call.environment["RETRUST_TEST_KUBECTL"] = kubectl;
  call.environment["PATH"] = recorded(sandbox).string() + ":" + variable("PATH");
  recording(recorded(sandbox), "tar", "tar");
}

void add_rke(const e2e::Sandbox& sandbox, e2e::Sandbox::Call& call) {
  const auto config = sandbox.directory() / "cluster.yml";
  e2e::write_file(config, "nodes: []\n");
  call.args.insert(call.args.end(),
                   {"--rke-config", config.string(), "--rke",
                    recording(recorded(sandbox), "rke", variable("RETRUST_TEST_RKE"))});
}

void add_k3s(const e2e::Sandbox& sandbox, const std::string& name, e2e::Sandbox::Call& call) {
  const auto data = sandbox.directory() / "data";
  fs::create_directories(data / "server/db/etcd/member");
  fs::create_directories(data / "agent");
  // By its name the stand-in knows what it stands in for.
  const auto link = data / name;
  fs::create_symlink(variable("RETRUST_TEST_K3S"), link);
  const auto program = recording(recorded(sandbox), name, link.string());
  // RKE2's own kubectl.
  fs::create_directories(data / "bin");
  const auto kubectl = data / "bin/kubectl";
  e2e::write_file(kubectl, fmt::format("#!/bin/sh\nexec '{}' kubectl \"$@\"\n", program));
  fs::permissions(kubectl, fs::perms::owner_all);
  call.args.push_back("--" + name);
  call.environment["K3S_DATA_DIR"] = data.string();
  call.environment["RKE2_DATA_DIR"] = data.string();
  call.environment["RETRUST_TEST_K3S_KUBECONFIG"] = sandbox.file("local.kubeconfig");
  call.environment["PATH"] = recorded(sandbox).string() + ":" + variable("PATH");
}

/// What a shell asks for while --cluster is typed: the word that is typed is the last.
void make_completion(const e2e::Sandbox& sandbox, e2e::Sandbox::Call& call) {
  call.without = {"--kubeconfig", "--local-kubeconfig", "--cluster", "--kubectl"};
  call.args.insert(call.args.end(), {"--local-kubeconfig", sandbox.file("local.kubeconfig"),
                                     "--kubectl", call.kubectl, "--cluster", "c-x"});
}

/// The folder of a run that repaired the record.
std::string earlier_run(e2e::Sandbox& sandbox) {
  const auto run = sandbox.run({"--timeout", "2s"});
  if (run.status != 0) throw std::runtime_error("the earlier run failed: " + run.err);
  return sandbox.run_folder().string();
}

}  // namespace

const std::vector<Command>& commands() {
  using enum Command::Prints;
  using enum Command::Effect;
  static const std::vector<std::string> any{"", "--fault agents-never-report",
                                            "--rancher 2.7.0 --kubernetes 1.24"};
  // The second deletes Fleet's tokens, too.
  static const std::vector<std::string> with_users{"--rancher 2.7.0 --kubernetes 1.24",
                                                   "--rancher 2.6.6 --kubernetes 1.20"};
  const std::vector<std::string> run{"run", "--yes"};
  const auto run_with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), run.begin(), run.end());
    return more;
  };
  static const std::vector<Command> all{
      {"status", {"status", "-o", "json"}, json, none, Beside::nothing, any},
      {"run", run_with({"--no-rancher-backup"}), text, changes, Beside::nothing, any},
      {"processes", run_with({"--no-rancher-backup", "--no-session"}), text, changes,
       Beside::nothing, any},
      {"plan", {"plan"}, text, none, Beside::nothing, any},
      {"get-token", {"step", "get-token"}, token, none, Beside::nothing, any},
      {"by-name", run_with({"--no-rancher-backup"}), text, changes, Beside::nothing, any,
       "production"},
      {"rollback", {"rollback"}, text, changes, Beside::earlier_run, any},
      {"all", run_with({"--no-rancher-backup", "--all"}), text, changes, Beside::nothing, any},
      {"all-pods", run_with({"--no-rancher-backup", "--all-pods"}), text, changes, Beside::nothing,
       any},
      {"impersonation", run_with({"--no-rancher-backup", "--repair-impersonation"}), text, changes,
       Beside::nothing, with_users},
      {"container", run, text, changes, Beside::container, any},
      {"container-backup", run, text, changes, Beside::container_with_data, any},
      {"rke", run, text, changes, Beside::rke, any},
      {"rollback-container", {"rollback"}, text, changes, Beside::earlier_run_and_container, any},
      {"k3s", run, text, changes, Beside::k3s, any},
      {"rke2", run, text, changes, Beside::rke2, any},
      {"complete", {"complete", "run"}, text, none, Beside::nothing, any}};
  return all;
}

const Command& command_named(const std::string& name) {
  const auto found = std::find_if(commands().begin(), commands().end(),
                                  [&](const Command& each) { return each.name == name; });
  if (found == commands().end()) throw std::runtime_error("there is no command " + name);
  return *found;
}

std::vector<std::string> worlds() {
  std::vector<std::string> all;
  for (const auto& command : commands()) {
    for (const auto& world : command.worlds) {
      if (std::find(all.begin(), all.end(), world) == all.end()) all.push_back(world);
    }
  }
  return all;
}

std::vector<std::string> options_of(const std::string& world) {
  std::vector<std::string> found;
  if (!world.empty()) boost::algorithm::split(found, world, [](char each) { return each == ' '; });
  return found;
}

fs::path recorded(const e2e::Sandbox& sandbox) {
  return sandbox.directory() / "argv";
}

e2e::Sandbox::Call prepared(const Command& command, e2e::Sandbox& sandbox,
                            const std::string& patience) {
  fs::create_directories(recorded(sandbox));
  e2e::Sandbox::Call call{.args = command.args, .cluster = command.cluster};
  call.kubectl = recording(recorded(sandbox), "kubectl", real_kubectl());
  switch (command.beside) {
    case Beside::nothing:
      break;
    case Beside::earlier_run:
      call.args.insert(call.args.end(), {earlier_run(sandbox), "--yes"});
      break;
    case Beside::container:
    case Beside::container_with_data:
      add_container(sandbox, call.kubectl, command.beside, call);
      break;
    case Beside::rke:
      add_rke(sandbox, call);
      break;
    case Beside::earlier_run_and_container:
      call.args.insert(call.args.end(), {earlier_run(sandbox), "--yes"});
      add_container(sandbox, call.kubectl, command.beside, call);
      break;
    case Beside::k3s:
      add_k3s(sandbox, "k3s", call);
      break;
    case Beside::rke2:
      add_k3s(sandbox, "rke2", call);
      break;
  }
  if (command.args.front() == "run" || command.args.front() == "step") {
    call.args.insert(call.args.end(), {"--timeout", patience});
  }
  if (command.args.front() == "complete") {
    make_completion(sandbox, call);
  } else {
    call.args.insert(call.args.end(), {"--command-timeout", "10s"});
  }
  return call;
}

}  // namespace retrust::hostile
