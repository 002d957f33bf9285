#include "app/rehearse.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "base/trust.h"
#include "process/executable.h"
#include "process/tasks.h"
#include "tools/kubectl.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
using boost::asio::awaitable;

constexpr std::string_view sandbox_name = "retrust-sandbox";
/// The cluster of the sandbox whose CA was renewed: sandbox/world.cpp.
constexpr std::string_view cluster_name = "production";
/// Longest wait for Rancher's first word about the cluster.
constexpr std::chrono::seconds patience{20};
constexpr std::chrono::milliseconds between_looks{50};

/// A folder that only the caller can open, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code unknown;
    auto place = fs::temp_directory_path(unknown);
    if (unknown) place = "/tmp";
    check_way(place);
    auto name = (place / "retrust-rehearsal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      const std::error_code error(errno, std::system_category());
      throw shortage(
          fmt::format("cannot create a folder in {}: {}", place.string(), error.message()), error);
    }
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The sandbox beside this program, or else on PATH. Throws Failure (usage) if there is none.
std::string find_sandbox() {
  std::error_code unseen;
  const auto own = fs::read_symlink("/proc/self/exe", unseen);
  auto beside = (own.parent_path() / sandbox_name).string();
  if (!unseen && check_executable(beside).succeeded()) return beside;
  auto found = absolute_program(std::string(sandbox_name));
  if (found.starts_with('/')) return found;
  throw Failure(
      ExitStatus::usage,
      fmt::format("cannot find {}, neither in {} nor on PATH", sandbox_name,
                  unseen ? "the folder of retrust" : own.parent_path().string()),
      fmt::format("install {} beside retrust: the packages of retrust have both", sandbox_name));
}

Command sandbox_command(const fs::path& clusters, const std::vector<std::string>& options) {
  std::vector<std::string> args{clusters.string()};
  args.insert(args.end(), options.begin(), options.end());
  return {.program = find_sandbox(),
          .args = std::move(args),
          .deadline = std::nullopt,
          .on_parent_death = OnParentDeath::ends_child};
}

/// Runs the sandbox, and sets `ready` when its clusters serve. Throws Failure if it ends by itself.
awaitable<void> serve(Runner& runner, Command command, bool& ready) {
  const auto program = command.program;
  const auto reader = [&ready](std::string_view piece) {
    ready = ready || piece.starts_with("ready");
    return Flow::go_on;
  };
  const auto outcome = co_await runner.run(std::move(command), reader);
  // The signal ends the command of the rehearsal too, which still has its last words to say.
  while (runner.interrupted()) co_await pause(patience);
  throw Failure(ExitStatus::usage, fmt::format("{} ended", program),
                {"see its options", shell_line({program, "--help"})}, one_line(outcome.err));
}

/// The environment without what says where settings of retrust, and real clusters, are.
std::optional<std::string> rehearsed_environment(const std::string& name) {
  for (const auto* begin : {"RETRUST_", "KUBE", "HOME", "XDG_"}) {
    if (name.starts_with(begin)) return std::nullopt;
  }
  const auto* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// What the operator gave, anywhere, for a command of the rehearsal.
std::vector<std::string> given_for(CommandName command, const Called& called) {
  std::vector<std::string> words;
  for (const auto* source : {&called.args, &called.elsewhere}) {
    for (const auto& given : split_command_line(*source).options) {
      const auto& option = *given.option;
      // What the file of --config says is in `elsewhere`.
      if (option.name == "config" || !applies_to(option, CommandName::rehearse)) continue;
      if (applies_to(option, command)) {
        words.insert(words.end(), given.words.begin(), given.words.end());
      }
    }
  }
  return words;
}

/// A command of the rehearsal, as words of a command line.
std::vector<std::string> words_of(const CommandInfo& command, const Called& called,
                                  const fs::path& clusters) {
  std::vector<std::string> words{std::string(command.name)};
  const auto add = [&](std::string_view option, std::string_view value) {
    words.push_back(fmt::format("--{}={}", option, value));
  };
  add("kubeconfig", (clusters / "downstream.kubeconfig").string());
  add("local-kubeconfig", (clusters / "local.kubeconfig").string());
  add("cluster", cluster_name);
  auto given = given_for(command.command, called);
  const auto lacks = [&](std::string_view option) {
    return std::none_of(given.begin(), given.end(), [&](const std::string& word) {
      return word.starts_with(fmt::format("--{}", option));
    });
  };
  if (command.command != CommandName::status) words.emplace_back("--no-rancher-backup");
  if (command.command == CommandName::run) {
    // The sandbox's agents report within a second, or never.
    if (lacks("timeout")) add("timeout", "20s");
    if (lacks("run-dir")) {
      add("run-dir", "retrust-rehearsal-" + compact_utc_text(std::chrono::system_clock::now()));
    }
    if (lacks("yes") && !can_ask()) words.emplace_back("--yes");
  }
  words.insert(words.end(), given.begin(), given.end());
  return words;
}

/// Whether Rancher's record of the cluster has the condition Ready, true or not.
bool says_ready(const boost::json::value& record) {
  const auto& conditions = array_at(record, "/status/conditions");
  return text_at(record, "/spec/displayName") == cluster_name &&
         std::any_of(conditions.begin(), conditions.end(),
                     [](const auto& each) { return text_at(each, "/type") == "Ready"; });
}

/// Waits until the sandbox serves and its Rancher has said whether it reaches the cluster.
awaitable<void> wait_for_rancher(Invocation& part, const bool& ready) {
  const auto local = part.toolbox.local_process(patience);
  const auto last = std::chrono::steady_clock::now() + patience;
  for (auto said = false; !said && std::chrono::steady_clock::now() < last;) {
    co_await pause(between_looks);
    if (const auto signal = part.runner.interrupted()) throw Interrupted{*signal};
    if (!ready) continue;
    const auto clusters = co_await local.get_raw("/apis/management.cattle.io/v3/clusters");
    const auto& items = array_at(clusters, "/items");
    said = std::any_of(items.begin(), items.end(), says_ready);
  }
}

awaitable<void> walk(Invocation& app, Invocation::Command perform, const fs::path& clusters,
                     const bool& ready, ExitStatus& status) {
  const auto say = [&](const std::string& text) {
    if (app.options.verbosity != Verbosity::quiet) app.output.write(Stream::out, text);
  };
  say("retrust-sandbox plays 2 clusters on this machine: production, and the one that Rancher runs "
      "in. No real cluster is touched.\n");
  // All of them stay to the end: the runner refers to the last one.
  std::list<Invocation> parts;
  for (const auto command : {CommandName::status, CommandName::plan, CommandName::run}) {
    const auto& info = *std::find_if(all_commands().begin(), all_commands().end(),
                                     [&](const auto& each) { return each.command == command; });
    const auto words = words_of(info, app.called, clusters);
    auto& part = parts.emplace_back(app.host, parse_options(words, rehearsed_environment),
                                    Called{app.called.program, words}, rehearsed_environment);
    if (command == CommandName::status) co_await wait_for_rancher(part, ready);
    say(fmt::format("\n== {}: {}\n$ {} {}\n\n", info.name, info.help, app.called.program,
                    shell_line(words)));
    status = co_await part.perform(perform);
    part.toolbox.end_sessions();
    part.display.rest();
    if (status != ExitStatus::done && status != ExitStatus::differs) co_return;
  }
  say(fmt::format(
      "\nThe rehearsal is over, and its clusters are gone. With a fault: {} rehearse -- "
      "--fault agents-never-report; retrust-sandbox --help lists all faults.\n",
      app.called.program));
}

}  // namespace

awaitable<ExitStatus> rehearse_command(Invocation& app, Invocation::Command perform) {
  const TemporaryFolder folder;
  // kubectl, of 1.28 for example but not of 1.24, keeps what it learns of the played servers there.
  ::setenv("KUBECACHEDIR", (folder.path() / "cache").c_str(), 1);
  const auto clusters = folder.path() / "clusters";
  auto ready = false;
  auto status = ExitStatus::done;
  co_await run_beside(
      walk(app, perform, clusters, ready, status),
      serve(app.runner, sandbox_command(clusters, app.options.sandbox_options), ready));
  co_return status;
}

}  // namespace retrust
