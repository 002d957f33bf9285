#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/options.h"

namespace retrust {
namespace {

constexpr std::size_t help_column = 32;
constexpr std::size_t brief_column = 20;
constexpr std::size_t line_width = 79;

/// Words wrapped at the line width, every line but the first indented.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > line_width) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string entry(const std::string& left, std::string_view help,
                  std::size_t column = help_column) {
  const auto gap = left.size() + 2 > column ? "\n" + std::string(column, ' ')
                                            : std::string(column - left.size(), ' ');
  return left + gap + wrapped(help, column) + "\n";
}

/// The first part of a text, before what explains it.
std::string brief_of(std::string_view help) {
  auto end = help.size();
  for (const std::string_view mark : {". ", "; ", ": ", " ("}) end = std::min(end, help.find(mark));
  return std::string(help.substr(0, end));
}

std::string sentence_of(std::string_view text) {
  std::string sentence(text);
  sentence.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
  return sentence + ".";
}

/// Options in the help of a command.
bool is_shown(const OptionInfo& option, CommandName command) {
  return applies_to(option, command) && option.name != "version";
}

/// Options in the help of the program.
bool is_common(const OptionInfo& option) {
  constexpr std::array<std::string_view, 10> common{
      "kubeconfig", "local-kubeconfig", "cluster", "all-clusters", "rancher-container",
      "yes",        "output",           "quiet",   "verbose",      "help"};
  return std::find(common.begin(), common.end(), option.name) != common.end();
}

}  // namespace

const std::vector<CommandInfo>& all_commands() {
  static const std::vector<CommandInfo> commands{
      {CommandName::status, "status", "",
       "compare Rancher's credentials with the cluster's; changes nothing"},
      {CommandName::plan, "plan", "", "print the commands of run, and why; changes nothing"},
      {CommandName::run, "run", "",
       "do what is needed; asks first, or needs --yes without a terminal"},
      {CommandName::step, "step", "N", "do one section of the runbook: N is 2.3 or get-token"},
      {CommandName::rollback, "rollback", "DIR",
       "put back what Rancher had before the run that left DIR"},
      {CommandName::list, "list", "",
       "list Rancher's clusters, most urgent first; changes nothing"},
      {CommandName::rehearse, "rehearse", "", "practise on played clusters; changes no real one"},
      {CommandName::completion, "completion", "SHELL",
       "print the completion script for bash, zsh or fish"},
      {CommandName::help, "help", "[COMMAND]", "print this help, or that of a command"},
      {CommandName::version, "version", "", "print the version"},
  };
  return commands;
}

const std::vector<OptionInfo>& all_options() {
  using enum CommandName;
  // The commands for one downstream cluster.
  static const std::vector<CommandName> for_one{status, plan, run, step, rollback};
  static const std::vector<CommandName> for_several{status, plan, run, rollback};
  static const std::vector<CommandName> for_downstream{status, plan, run, step, rollback, list};
  static const std::vector<OptionInfo> options{
      {.name = "kubeconfig",
       .argument = "FILE",
       .help = "downstream cluster, from after the renewal. FILE may be a folder, or a list as in "
               "KUBECONFIG: retrust finds the context that leads to the cluster. list asks "
               "downstream clusters only if it is given",
       .commands = for_downstream,
       .occurrence = Occurrence::several},
      {.name = "all-contexts",
       .help = "every context of --kubeconfig counts: as in a folder, not the current one alone",
       .commands = {status, plan, run, step, list}},
      {"local-kubeconfig", "", "FILE", "", "the cluster that Rancher runs in", for_downstream},
      {.name = "cluster",
       .argument = "ID|NAME",
       .help = "the downstream cluster as Rancher calls it: ID, display name, or a pattern such as "
               "'prod-*'; may be repeated, and left out where the kubeconfigs lead to one cluster",
       .commands = for_one,
       .occurrence = Occurrence::several},
      {.name = "all-clusters",
       .help = "every cluster that a kubeconfig leads to; run changes the ones in need",
       .commands = {status, plan, run}},
      {.name = "parallel",
       .argument = "N",
       .standard = "8",
       .help = "clusters at work at once (1 to 100)",
       .commands = for_several},
      {.name = "canary",
       .argument = "N|NAME",
       .standard = "1",
       .help = "how many, or which one, to prove first: of several clusters the last N in the "
               "order given are repaired and proven before the others begin; 0: none",
       .commands = {plan, run, rollback}},
      {.name = "max-failures",
       .argument = "N",
       .standard = "1",
       .help = "begin no other after N failures: clusters that failed after a change (1 to 10000)",
       .commands = {run, rollback}},
      {"context", "", "NAME", "", "context in --kubeconfig: by default the current one",
       for_downstream},
      {"local-context", "", "NAME", "", "context in --local-kubeconfig: by default the current one",
       for_downstream},
      {"kubectl", "", "PATH", "kubectl", "the kubectl to run", {}},
      {"no-session",
       "",
       "",
       "",
       "read by a kubectl process for each request: each logs in; the default is one kubectl proxy "
       "for each cluster",
       {}},
      {"namespace", "n", "NAME", "cattle-system", "namespace of Rancher's agents", for_downstream},
      {"docker", "", "PATH", "docker", "the docker to run (podman will do)", for_downstream},
      {"rke",
       "",
       "PATH",
       "",
       "the rke to run (default: rke or rke_linux-amd64 on PATH)",
       {plan, run, step}},
      {"rancher-container", "", "NAME", "",
       "container that Rancher runs in: its kubectl is used where there is no --local-kubeconfig; "
       "its data are backed up (1.1), unless mapped to the host or another choice is made",
       for_downstream},
      {"rke-config",
       "",
       "FILE",
       "",
       "back Rancher up by rke: rke installed Rancher's cluster by this file, and saves a snapshot "
       "of etcd (1.2)",
       {plan, run, step}},
      {"k3s",
       "",
       "",
       "",
       "back Rancher up by k3s: this is a server node of Rancher's cluster, and k3s saves a "
       "snapshot of etcd (1.2)",
       {plan, run, step}},
      {"rke2",
       "",
       "",
       "",
       "back Rancher up by RKE2: the same as --k3s for RKE2",
       {plan, run, step}},
      {"rancher-backup",
       "",
       "",
       "",
       "back Rancher up by its backup operator: it is installed in Rancher's cluster, and saves "
       "Rancher (1.3) in the storage that it is configured with",
       {plan, run, step}},
      {"snapshot-name",
       "",
       "NAME",
       "",
       "name of the snapshot (default: SNAPSHOT-TIME, and .db with rke)",
       {plan, run, step}},
      {"allow-partial-backup",
       "",
       "",
       "",
       "go on if an etcd host has no snapshot of rke",
       {run, step}},
      {"no-rancher-backup",
       "",
       "",
       "",
       "go on without a backup of Rancher (section 1 of the runbook); the clusters resource is "
       "saved all the same",
       {plan, run, step}},
      {.name = "dry-run", .help = "do the same as plan: change nothing", .commands = {run}},
      {.name = "out",
       .argument = "FILE",
       .help = "save the plan in FILE: run --plan FILE does exactly that. The file has mode 0600 "
               "and no secrets, and takes the place of no file but a saved plan",
       .commands = {plan}},
      {.name = "plan",
       .argument = "FILE",
       .help = "do what the plan saved in FILE says: if the clusters changed since plan --out, run "
               "refuses and changes nothing. Clusters, backup and steps come from FILE alone",
       .commands = {run}},
      {"yes", "y", "", "", "do not ask", {run, step, rollback, rehearse}},
      {"all",
       "",
       "",
       "",
       "do every section, needed or not; never overrides a refusal",
       {plan, run, step}},
      {"all-pods",
       "",
       "",
       "",
       "2.2 recreates every pod of the namespace: as documented",
       {plan, run, step}},
      {"allow-agent-loss",
       "",
       "",
       "",
       "2.2 goes on where new pods do not start: the agents may not come back",
       {plan, run, step}},
      {"repair-impersonation",
       "",
       "",
       "",
       "3.2 deletes the rejected tokens of users: Rancher 2.6 and later gives its users logs and "
       "the web shell by them, and makes new ones. This is beyond the documentation",
       {plan, run, step}},
      {"overwrite",
       "",
       "",
       "",
       "undo changes that somebody else made since: without it rollback refuses",
       {rollback}},
      {"skip", "", "N,...", "", "leave sections out, by number or name", {plan, run}},
      {"warn-days", "", "N", "60", "warn of a CA that ends within N days (0 to 36500)", {list}},
      {"timeout",
       "",
       "TIME",
       "5m",
       "limit of each wait: for what a step causes, for another run, and, after a change, for a "
       "server to answer",
       {run, step, rollback, rehearse}},
      {"command-timeout", "", "TIME", "60s", "limit of any other command", {}},
      {"run-dir",
       "",
       "DIR",
       "",
       "folder for transcript and backup (default: retrust-CLUSTER-TIME in the current directory)",
       {run, step, rollback, rehearse}},
      {"output",
       "o",
       "FORMAT",
       "text",
       "text or json; with list also wide or name",
       for_downstream,
       {"text", "json"},
       {"wide", "name"}},
      {"color", "", "WHEN", "auto", "auto, always or never", {}, {"auto", "always", "never"}},
      {"config",
       "",
       "FILE",
       "",
       "file of options: lines of NAME = VALUE (default: $XDG_CONFIG_HOME/retrust/config, if it is "
       "there)",
       {}},
      {"quiet", "q", "", "", "say only what went wrong, and the result", {}},
      {"verbose", "v", "", "", "show every command", {}},
      {"version", "", "", "", "print the version", {}},
      {"help", "h", "", "", "print this help", {}},
  };
  return options;
}

const std::vector<StatusInfo>& all_statuses() {
  static const std::vector<StatusInfo> statuses{
      {"0", "done, or nothing needed"},
      {"1",
       "a step failed, or a result could not be printed; also each failure after a change, apart "
       "from 5"},
      {"2",
       "wrong usage: also no backup choice, no terminal and no --yes, a kubeconfig that is not "
       "there or not readable, a run folder that is not empty"},
      {"3",
       "status, plan, step check-cluster: stored and live credentials differ; list: a cluster "
       "needs attention"},
      {"4",
       "refused by a check or by a failed backup; nothing was changed apart from a backup that "
       "was made; also a kubeconfig from before the renewal, and a permission that a review "
       "denies"},
      {"5",
       "gave up waiting: no token secret, no agent pod, no Rancher came back, or a server was "
       "out of reach when the wait ended"},
      {"6",
       "a cluster did not answer, or answered 401 or 403; nothing was changed apart from a backup "
       "that was made"},
      {"7",
       "the operator declined: an answer other than yes, or the end of the input; nothing was "
       "changed apart from a backup that was made"},
      {"128+n", "ended by signal n"},
  };
  return statuses;
}

const OptionInfo* find_option(std::string_view name) {
  const auto& options = all_options();
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const OptionInfo& info) { return info.name == name; });
  return found == options.end() ? nullptr : &*found;
}

const CommandInfo* find_command(std::string_view name) {
  const auto& commands = all_commands();
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const CommandInfo& info) { return info.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

bool is_about_clusters(CommandName command) {
  return command != CommandName::completion && command != CommandName::help &&
         command != CommandName::version;
}

bool applies_to(const OptionInfo& option, CommandName command) {
  if (!is_about_clusters(command)) return option.name == "help";
  const auto& commands = option.commands;
  return commands.empty() || std::find(commands.begin(), commands.end(), command) != commands.end();
}

bool decides_plan(const OptionInfo& option) {
  constexpr std::array<std::string_view, 16> deciding{
      "cluster",       "all-clusters", "canary",   "namespace",        "rancher-container",
      "rke-config",    "k3s",          "rke2",     "rancher-backup",   "no-rancher-backup",
      "snapshot-name", "all",          "all-pods", "allow-agent-loss", "repair-impersonation",
      "skip"};
  return std::find(deciding.begin(), deciding.end(), option.name) != deciding.end();
}

std::vector<std::string_view> choices_of(const OptionInfo& option,
                                         std::optional<CommandName> command) {
  auto choices = option.choices;
  if (command.value_or(CommandName::list) == CommandName::list) {
    choices.insert(choices.end(), option.list_choices.begin(), option.list_choices.end());
  }
  return choices;
}

std::string variable_of(const OptionInfo& option) {
  // RETRUST_VERSION may well be somebody's variable for something else.
  if (option.name == "help" || option.name == "version") return {};
  std::string name = "RETRUST_";
  for (const char c : option.name) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string program_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1) == "kubectl-retrust" ? "kubectl retrust" : "retrust";
}

std::string help_text(std::string_view program, std::optional<CommandName> explained) {
  std::string text;
  for (const auto& command : all_commands()) {
    if (command.command != explained) continue;
    text = fmt::format("Usage: {} {}{}{}{}\n", program, command.name,
                       command.arguments.empty() ? "" : " ", command.arguments,
                       is_about_clusters(command.command) ? " [OPTION]..." : "");
    text += wrapped(sentence_of(command.help), 0) + "\n";
  }
  if (!explained) {
    text = fmt::format(
        "Usage: {} COMMAND [OPTION]...\n"
        "Make Rancher trust a cluster again whose CA was renewed.\n"
        "\nCommands:\n",
        program);
    for (const auto& command : all_commands()) {
      text += entry(fmt::format("  {}{}{}", command.name, command.arguments.empty() ? "" : " ",
                                command.arguments),
                    command.help, brief_column);
    }
  }
  if (explained == CommandName::step) {
    text += "\nSteps:\n";
    const auto& steps = all_steps();
    for (std::size_t i = 0; i < steps.size(); i += 2) {
      auto left = fmt::format("  {} {}", steps[i].section, steps[i].name);
      if (i + 1 < steps.size()) {
        left = fmt::format("{:<32}{} {}", left, steps[i + 1].section, steps[i + 1].name);
      }
      text += left + "\n";
    }
  }
  text += explained ? "\nOptions:\n" : "\nOptions that most commands take:\n";
  for (const auto& option : all_options()) {
    if (explained ? !is_shown(option, *explained) : !is_common(option)) continue;
    auto left = option.letter.empty() ? fmt::format("      --{}", option.name)
                                      : fmt::format("  -{}, --{}", option.letter, option.name);
    if (!option.argument.empty()) left += fmt::format(" {}", option.argument);
    const auto brief = brief_of(option.help);
    text += entry(left,
                  option.standard.empty() ? brief : fmt::format("{} ({})", brief, option.standard));
  }
  if (!explained) {
    text += fmt::format("\nThe options of a command: {0} help COMMAND. Everything else: man {1}\n",
                        program, "retrust");
  } else if (is_about_clusters(*explained)) {
    text += "\nExit statuses, variables, and more of each option: man retrust\n";
  }
  return text;
}

}  // namespace retrust
