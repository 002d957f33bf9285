#include "sandbox.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <stdlib.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string program(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) throw std::runtime_error(std::string(variable) + " is not set");
  return value;
}

std::string kubectl_program() {
  const char* value = std::getenv("RETRUST_TEST_KUBECTL");
  return value == nullptr ? "kubectl" : value;
}

/// Takes an option and its value away; the value, or the standard where it is not there.
std::string take(std::vector<std::string>& options, const std::string& name,
                 const std::string& standard) {
  const auto found = std::find(options.begin(), options.end(), name);
  if (found == options.end()) return standard;
  auto value = *std::next(found);
  options.erase(found, std::next(found, 2));
  return value;
}

/// The scenario of each of so many clusters, whose states are these in turn, by its name.
std::map<std::string, std::string> scenarios_of(int clusters, const std::string& mix) {
  std::vector<std::string> states;
  std::istringstream stream(mix);
  for (std::string state; std::getline(stream, state, ',');) states.push_back(state);
  std::map<std::string, std::string> scenarios;
  for (int number = 1; number <= clusters; ++number) {
    const auto name = number == 1 ? "production" : fmt::format("store-{:03}", number);
    scenarios[name] = states.at(static_cast<std::size_t>(number - 1) % states.size());
  }
  return scenarios;
}

/// Whether Rancher complains of what was renewed.
bool complains(const std::string& message, const std::string& scenario) {
  const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
  if (scenario == "healthy") return true;
  if (scenario != "key-only") return says("x509");
  // From Rancher 2.14 on the health check shows client-go's word for it.
  return says("Unauthorized") || says("provide credentials");
}

/// What the condition Ready of a clusters resource says.
std::string ready_message_of(const json::value& cluster) {
  for (const auto& condition : cluster.at_pointer("/status/conditions").as_array()) {
    if (text(condition, "/type") == "Ready") return text(condition, "/message");
  }
  return "";
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    if (end == std::string::npos) break;  // the last line is not whole yet
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string text(const json::value& value, const std::string& pointer) {
  boost::system::error_code missing;
  const auto* found = value.find_pointer(pointer, missing);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::string kubectl_of_version(const std::string& version, const fs::path& directory) {
  Child child({.command = {program("RETRUST_TEST_KUBECTLS"), version},
               .environment = {},
               .directory = directory,
               .name = "kubectl-" + version});
  if (child.wait() != 0) throw std::runtime_error(child.err());
  return lines_of(child.out()).at(0);
}

std::string document_words(const fs::path& run_folder) {
  const auto marked = read_file(run_folder / "transcript.md");
  std::string text;
  for (std::size_t at = 0; at < marked.size();) {
    const auto end = std::min(marked.find_first_not_of('`', at), marked.size());
    // Fences stay.
    if (end - at >= 3) text += marked.substr(at, end - at);
    if (end == at) text += marked[at];
    at = std::max(end, at + 1);
  }
  return text;
}

std::string transcripts(const fs::path& run_folder) {
  return read_file(run_folder / "transcript.md") + read_file(run_folder / "transcript.jsonl");
}

Sandbox::Sandbox(std::vector<std::string> options) {
  auto pattern = (fs::temp_directory_path() / "retrust-e2e-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
  directory_ = pattern;
  state_ = directory_ / "sandbox";
  fs::create_directories(directory_ / "home");
  std::vector<std::string> command{program("RETRUST_TEST_SANDBOX"), state_.string(),
                                   "--until-stdin-closes", "--quick"};
  const char* control_plane = std::getenv("RETRUST_TEST_CONTROL_PLANE");
  std::map<std::string, std::string> scenarios;
  if (control_plane != nullptr) {
    const auto clusters = take(options, "--clusters", "");
    plane_ = std::make_unique<ControlPlane>(control_plane, directory_ / "control-plane", clusters);
    command.insert(command.end(), {"--control-plane", plane_->file("").string()});
    const auto scenario = take(options, "--scenario", "renewed");
    scenarios =
        scenarios_of(clusters.empty() ? 1 : std::stoi(clusters), take(options, "--mix", scenario));
  } else if (const char* kubernetes = std::getenv("RETRUST_TEST_KUBERNETES")) {
    command.insert(command.end(), {"--kubernetes", take(options, "--kubernetes", kubernetes)});
  }
  command.insert(command.end(), options.begin(), options.end());
  child_ = std::make_unique<Child>(Child::Setup{.command = command,
                                                .directory = directory_,
                                                .name = "sandbox",
                                                .input = Child::Setup::Input::pipe});
  wait_until("the sandbox is ready", [&] {
    if (child_->out().starts_with("ready\n")) return true;
    if (!child_->err().empty()) throw std::runtime_error("sandbox: " + child_->err());
    return false;
  });
  if (!plane_) return;
  renew_really(scenarios);
  plane_->count_from_now();
}

void Sandbox::renew_really(const std::map<std::string, std::string>& scenarios) {
  for (const auto& [cluster, scenario] : scenarios) plane_->renew(cluster, scenario);
  wait_until("Rancher complains", [&] {
    const auto list = get("local", {"clusters.management.cattle.io"});
    const auto& items = list.at("items").as_array();
    return std::all_of(items.begin(), items.end(), [&](const json::value& cluster) {
      const auto found = scenarios.find(text(cluster, "/spec/displayName"));
      return found == scenarios.end() || complains(ready_message_of(cluster), found->second);
    });
  });
}

std::string Sandbox::file(const std::string& name) const {
  if (plane_ && !fs::exists(state_ / name)) return plane_->file(name).string();
  return (state_ / name).string();
}

Sandbox::~Sandbox() {
  child_->close_input();
  try {
    child_->wait();
  } catch (const std::runtime_error&) {
    child_->signal(9);
  }
  plane_.reset();  // while its folder is there
  if (std::getenv("RETRUST_TEST_KEEP") == nullptr) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
}

Child::Setup Sandbox::setup(const Call& call) {
  const auto number = std::to_string(++calls_);
  std::vector<std::string> command{program("RETRUST_TEST_PROGRAM")};
  command.insert(command.end(), call.args.begin(), call.args.end());
  const auto give = [&](const std::string& option, const std::string& value) {
    if (!call.without.contains(option)) command.insert(command.end(), {option, value});
  };
  const auto given = [&](const std::string& value, const std::string& standard) {
    return value.empty() ? standard : value;
  };
  give("--kubeconfig", given(call.kubeconfig, file("downstream.kubeconfig")));
  give("--local-kubeconfig", given(call.local_kubeconfig, file("local.kubeconfig")));
  give("--cluster", call.cluster);
  give("--kubectl", given(call.kubectl, kubectl_program()));
  static const std::set<std::string> writing{"run", "step", "rollback"};
  const auto writes = !call.args.empty() && writing.contains(call.args.front()) &&
                      !call.without.contains("--run-dir") &&
                      std::find(call.args.begin(), call.args.end(), "--run-dir") == call.args.end();
  if (writes) {
    run_folder_ = directory_ / ("run-" + number);
    command.insert(command.end(), {"--run-dir", run_folder_.string()});
  }
  if (!call.shell.empty()) {
    command.insert(command.begin(), {"bash", "-c", call.shell, "bash"});
  }
  Child::Setup setup{.command = command,
                     .environment = {{"HOME", (directory_ / "home").string()},
                                     {"TZ", "UTC"},
                                     // These tests may run in a Pod.
                                     {"KUBERNETES_SERVICE_HOST", ""},
                                     // Scripts as kubectl are watched beside sessions here.
                                     {"RETRUST_NO_SESSION", "false"},
                                     // What is remembered is the home directory's.
                                     {"XDG_STATE_HOME", ""},
                                     {"XDG_CONFIG_HOME", ""}},
                     .directory = directory_,
                     .name = "retrust-" + number};
  for (const auto& [name, value] : call.environment) setup.environment[name] = value;
  return setup;
}

std::unique_ptr<Child> Sandbox::start(const Call& call) {
  return std::make_unique<Child>(setup(call));
}

std::unique_ptr<Child> Sandbox::start_on_terminal(const Call& call) {
  const auto terminal = directory_ / "on-a-terminal";
  // Not script(1): where much else runs it loses what is typed, or printed last.
  write_file(terminal,
             "#!/bin/sh\n"
             "exec python3 -c 'import os, pty, sys\n"
             "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \"$@\"\n");
  fs::permissions(terminal, fs::perms::owner_all);
  auto on_it = setup(call);
  on_it.command.insert(on_it.command.begin(), terminal.string());
  on_it.environment["TERM"] = "xterm";
  on_it.environment["LC_ALL"] = "C";
  on_it.input = Child::Setup::Input::pipe;
  return std::make_unique<Child>(on_it);
}

Result Sandbox::answered(const Call& call, const std::string& answer) {
  const auto child = start_on_terminal(call);
  // The input stays open, as that of a person does.
  child->write(answer + "\n");
  const auto status = child->wait();
  return {status, child->out(), child->err()};
}

Result Sandbox::retrust(const Call& call) {
  const auto child = start(call);
  const auto status = child->wait();
  return {status, child->out(), child->err()};
}

Result Sandbox::run(std::vector<std::string> more) {
  if (std::find(more.begin(), more.end(), "--timeout") == more.end()) {
    more.insert(more.end(), {"--timeout", "30s"});
  }
  more.insert(more.begin(), {"run", "--yes", "--no-rancher-backup"});
  return retrust(std::move(more));
}

Result Sandbox::kubectl(const std::string& side, std::vector<std::string> args) {
  const auto name = "kubectl-" + std::to_string(++calls_);
  args.insert(args.begin(), {kubectl_program(), "--kubeconfig=" + file(side + ".kubeconfig")});
  Child child({.command = args,
               .environment = {{"HOME", (directory_ / "home").string()}},
               .directory = directory_,
               .name = name});
  const auto status = child.wait();
  return {status, child.out(), child.err()};
}

json::value Sandbox::get(const std::string& side, std::vector<std::string> args) {
  args.insert(args.begin(), "get");
  args.insert(args.end(), {"-o", "json"});
  const auto result = kubectl(side, std::move(args));
  if (result.status != 0) throw std::runtime_error(result.err);
  return json::parse(result.out);
}

int Sandbox::kubernetes_minor() {
  const auto asked = kubectl("downstream", {"get", "--raw", "/version"});
  if (asked.status != 0) throw std::runtime_error(asked.err);
  return std::stoi(text(json::parse(asked.out), "/minor"));
}

std::map<std::string, std::string> Sandbox::versions() {
  std::map<std::string, std::string> versions;
  const auto note = [&](const std::string& side, const std::string& types) {
    const auto list = get(side, {types, "--all-namespaces"});
    for (const auto& item : list.at("items").as_array()) {
      versions[side + " " + text(item, "/kind") + " " + text(item, "/metadata/namespace") + "/" +
               text(item, "/metadata/name") + " " + text(item, "/metadata/uid")] =
          text(item, "/metadata/resourceVersion");
    }
  };
  note("downstream", "secrets,serviceaccounts,pods,configmaps,deployments.apps,daemonsets.apps");
  note("local",
       "clusters.management.cattle.io,settings.management.cattle.io,deployments.apps,pods");
  return versions;
}

void Sandbox::tell(const std::string& line) {
  child_->write(line + "\n");
  const auto wanted = answers_ + 1;
  wait_until(line, [&] { return lines_of(child_->out()).size() >= wanted; });
  const auto answer = lines_of(child_->out())[answers_];
  answers_ = wanted;
  if (answer != "ok") throw std::runtime_error(line + ": " + answer);
}

void Sandbox::renew() {
  if (plane_) {
    renew_really({{"production", "renewed"}});
    return;
  }
  tell("renew");
  wait_until("Rancher complains",
             [&] { return ready_message().find("x509") != std::string::npos; });
}

void Sandbox::stop(const std::string& cluster) {
  if (plane_) {
    plane_->kill(cluster);
  } else {
    tell("stop " + cluster);
  }
}

void Sandbox::restart(const std::string& cluster) {
  if (plane_) {
    plane_->restart(cluster);
  } else {
    tell("restart " + cluster);
  }
}

std::string Sandbox::merged_kubeconfig() {
  auto merged = json::parse(read_file(file("downstream.kubeconfig"))).as_object();
  auto local = json::parse(read_file(file("local.kubeconfig")));
  // Both call their user alike.
  local.at("users").at(0).at("name") = "local";
  local.at("contexts").at(0).at("context").at("user") = "local";
  for (const auto* list : {"clusters", "users", "contexts"}) {
    for (const auto& each : local.at(list).as_array()) merged.at(list).as_array().push_back(each);
  }
  const auto path = directory_ / "merged.kubeconfig";
  write_file(path, json::serialize(merged));
  return path.string();
}

std::string Sandbox::replacing_kubectl(const std::string& words) {
  const auto path = directory_ / "replacing-kubectl";
  // A Lease is replaced with -o json.
  write_file(path,
             "#!/bin/sh\ncase \" $* \" in *' replace '*' -o json '*) ;; "
             "*'/local.kubeconfig '*' replace '*)\n" +
                 words + "\nesac\nexec '" + kubectl_program() + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

std::string Sandbox::conflicting_kubectl(const std::string& change) {
  return replacing_kubectl("mkdir '" + (directory_ / "conflict.done").string() +
                           "' 2>/dev/null && '" + kubectl_program() + "' --kubeconfig='" +
                           file("local.kubeconfig") + "' " + change + " >&2");
}

std::vector<json::value> Sandbox::requests() const {
  if (plane_) return plane_->requests();
  std::vector<json::value> parsed;
  for (const auto& line : lines_of(read_file(state_ / "requests.jsonl"))) {
    parsed.push_back(json::parse(line));
  }
  return parsed;
}

bool is_change(const json::value& request) {
  const auto verb = text(request, "/verb");
  const auto resource = text(request, "/resource");
  const auto asks = resource.find("reviews.") != std::string::npos;
  if (verb == "get" || verb == "list" || verb == "watch" || asks) return false;
  return resource != "leases.coordination.k8s.io";
}

std::vector<std::string> Sandbox::changes() const {
  std::vector<std::string> found;
  for (const auto& request : requests()) {
    if (!is_change(request) || text(request, "/user") == "rancher") continue;
    found.push_back(text(request, "/server") + " " + text(request, "/verb") + " " +
                    text(request, "/resource") + " " + text(request, "/name"));
  }
  return found;
}

std::vector<std::string> Sandbox::events() const {
  std::vector<std::string> found;
  for (const auto& line : lines_of(read_file(state_ / "events.jsonl"))) {
    const auto event = json::parse(line);
    found.push_back(text(event, "/actor") + " " + text(event, "/event") + " " +
                    text(event, "/detail"));
  }
  return found;
}

std::string Sandbox::ready() {
  const auto cluster = get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  for (const auto& condition : cluster.at_pointer("/status/conditions").as_array()) {
    if (text(condition, "/type") == "Ready") return text(condition, "/status");
  }
  return "";
}

std::string Sandbox::ready_message() {
  return ready_message_of(get("local", {"clusters.management.cattle.io", "c-x7k2p"}));
}

}  // namespace retrust::e2e
