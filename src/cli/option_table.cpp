#include <algorithm>

#include <fmt/format.h>

#include "cli/options.h"

namespace retrust {
namespace {

constexpr std::size_t help_column = 30;
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

std::string entry(const std::string& left, std::string_view help) {
  const auto gap = left.size() + 2 > help_column ? "\n" + std::string(help_column, ' ')
                                                 : std::string(help_column - left.size(), ' ');
  return left + gap + wrapped(help, help_column) + "\n";
}

}  // namespace

const std::vector<CommandInfo>& all_commands() {
  static const std::vector<CommandInfo> commands{
      {CommandName::status, "status", "",
       "compare what Rancher holds with what the cluster has; changes nothing"},
      {CommandName::plan, "plan", "",
       "print what run would do, command by command, and why; changes nothing"},
      {CommandName::run, "run", "",
       "do what is needed (asks first, on a terminal; elsewhere --yes is required)"},
      {CommandName::step, "step", "N",
       "one section of the runbook, by number or name (2.3 or get-token)"},
      {CommandName::rollback, "rollback", "DIR",
       "put back what Rancher had stored before the run that left DIR"},
      {CommandName::list, "list", "",
       "list all clusters that Rancher knows, the most urgent first; changes nothing"},
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
       .help =
           "kubeconfig of the downstream cluster, made after the renewal. FILE may be a folder, or "
           "a list as in KUBECONFIG: retrust finds the context that leads to the cluster. list "
           "asks downstream clusters only if it is given",
       .commands = for_downstream,
       .occurrence = Occurrence::several},
      {.name = "all-contexts",
       .help = "look at every context of --kubeconfig, as in a folder, not only at the current one",
       .commands = {status, plan, run, step, list}},
      {"local-kubeconfig", "", "FILE", "", "kubeconfig of the cluster that Rancher runs in", {}},
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
       .help = "clusters that are worked on at once (1 to 100)",
       .commands = for_several},
      {.name = "canary",
       .argument = "N|NAME",
       .standard = "1",
       .help = "of several clusters, how many are repaired and proven before the others begin (the "
               "last ones in the order given; 0: none), or which one",
       .commands = {plan, run, rollback}},
      {.name = "max-failures",
       .argument = "N",
       .standard = "1",
       .help = "begin no other cluster once N of them failed after a change (1 to 10000)",
       .commands = {run, rollback}},
      {"context", "", "NAME", "", "context in --kubeconfig, where it is not the current one",
       for_downstream},
      {"local-context",
       "",
       "NAME",
       "",
       "context in --local-kubeconfig, where it is not the current one",
       {}},
      {"kubectl", "", "PATH", "kubectl", "the kubectl to run", {}},
      {"no-session",
       "",
       "",
       "",
       "read with a kubectl process for each request, each of which logs in, instead of through "
       "one kubectl proxy for each cluster",
       {}},
      {"namespace", "", "NAME", "cattle-system", "namespace of Rancher's agents", for_downstream},
      {"docker", "", "PATH", "docker", "the docker to run (podman will do)", {}},
      {"rke",
       "",
       "PATH",
       "",
       "the rke to run (default: rke or rke_linux-amd64 on PATH)",
       {plan, run, step}},
      {"rancher-container",
       "",
       "NAME",
       "",
       "Rancher runs in this container: its kubectl is used where there is no --local-kubeconfig; "
       "its data are backed up (1.1), unless mapped to the host or another choice is made",
       {}},
      {"rke-config",
       "",
       "FILE",
       "",
       "rke installed Rancher's cluster by this: back it up (1.2) by a snapshot of etcd",
       {plan, run, step}},
      {"k3s",
       "",
       "",
       "",
       "Rancher's cluster is one of k3s, and this is a server node of it: back it up (1.2) by a "
       "snapshot of etcd",
       {plan, run, step}},
      {"rke2", "", "", "", "the same for RKE2", {plan, run, step}},
      {"rancher-backup",
       "",
       "",
       "",
       "the Rancher backup operator is installed in Rancher's cluster: let it save Rancher (1.3) "
       "in "
       "the storage that it is configured with",
       {plan, run, step}},
      {"snapshot-name",
       "",
       "NAME",
       "",
       "name of that snapshot (default: SNAPSHOT-TIME, and .db with rke)",
       {plan, run, step}},
      {"allow-partial-backup",
       "",
       "",
       "",
       "go on where rke's snapshot is not on every etcd host",
       {run, step}},
      {"no-rancher-backup",
       "",
       "",
       "",
       "go without a backup of Rancher (section 1 of the runbook); the clusters resource is saved "
       "all the same",
       {plan, run, step}},
      {"yes", "y", "", "", "do not ask", {run, step, rollback}},
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
       "2.2 recreates every pod of the namespace, as documented",
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
       "3.2 deletes the rejected tokens by which Rancher 2.6 and later gives its users logs and "
       "the "
       "web shell, so that it makes new ones: beyond the documentation",
       {plan, run, step}},
      {"overwrite",
       "",
       "",
       "",
       "put back what was saved even where somebody else changed it since",
       {rollback}},
      {"skip", "", "N,...", "", "leave sections out, by number or name", {plan, run}},
      {"warn-days",
       "",
       "N",
       "60",
       "a stored CA that ends within N days needs attention (0 to 36500)",
       {list}},
      {"timeout",
       "",
       "DURATION",
       "5m",
       "how long to wait for what a step causes, for another run, and, after a change, for a "
       "server "
       "to answer",
       {run, step, rollback}},
      {"command-timeout", "", "DURATION", "60s", "how long any other command may take", {}},
      {"run-dir",
       "",
       "DIR",
       "",
       "where transcript and backup go (default: retrust-CLUSTER-TIME in the current directory)",
       {run, step, rollback}},
      {"output",
       "o",
       "FORMAT",
       "text",
       "what standard output is written in: text or json; with list also wide or name",
       {},
       {"text", "json"},
       {"wide", "name"}},
      {"color", "", "WHEN", "auto", "auto, always or never", {}, {"auto", "always", "never"}},
      {"config", "", "FILE", "", "read options from a file, lines of NAME = VALUE", {}},
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
      {"1", "a step failed, a server did not answer, or a result could not be printed"},
      {"2",
       "wrong usage: also no backup choice, no terminal and no --yes, a kubeconfig that is not "
       "there or not readable, a run folder that is not empty"},
      {"3",
       "status, plan, step check-cluster: stored and live credentials differ; list: a cluster "
       "needs attention"},
      {"4",
       "refused by a check, by a failed backup or by the operator's no; nothing was changed apart "
       "from a backup that was made"},
      {"5",
       "gave up waiting: no token secret, no agent pod, no Rancher came back, or a server was "
       "out of reach when the wait ended"},
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

bool applies_to(const OptionInfo& option, CommandName command) {
  const auto& commands = option.commands;
  return commands.empty() || std::find(commands.begin(), commands.end(), command) != commands.end();
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
    text = fmt::format("Usage: {} {}{}{} [OPTION]...\n", program, command.name,
                       command.arguments.empty() ? "" : " ", command.arguments);
    text += wrapped(command.help, 0) + "\n";
  }
  if (!explained) {
    text = fmt::format(
        "Usage: {0} COMMAND --kubeconfig FILE --local-kubeconfig FILE [--cluster ID|NAME] "
        "[OPTION]...\n"
        "Make Rancher trust an imported cluster again after that cluster's CA was renewed.\n\n"
        "Commands ({0} COMMAND --help shows the options of one):\n",
        program);
    for (const auto& command : all_commands()) {
      text += entry(fmt::format("  {}{}{}", command.name, command.arguments.empty() ? "" : " ",
                                command.arguments),
                    command.help);
    }
  }
  if (!explained || *explained == CommandName::step || *explained == CommandName::run ||
      *explained == CommandName::plan) {
    text += "\nSteps (for step and --skip):\n";
    for (const auto& info : all_steps()) {
      text += entry(fmt::format("  {}  {}", info.section, info.name), info.title);
    }
  }
  text += "\nOptions:\n";
  for (const auto& option : all_options()) {
    if (explained && !applies_to(option, *explained)) continue;
    auto left = option.letter.empty() ? fmt::format("      --{}", option.name)
                                      : fmt::format("  -{}, --{}", option.letter, option.name);
    if (!option.argument.empty()) left += fmt::format(" {}", option.argument);
    text += entry(left, option.standard.empty()
                            ? std::string(option.help)
                            : fmt::format("{} (default: {})", option.help, option.standard));
  }
  text +=
      "\nEvery option can also come from the environment (RETRUST_LOCAL_KUBECONFIG=FILE)\n"
      "or from the file that --config names; the command line wins, then the environment.\n"
      "\nExit status:\n";
  for (const auto& info : all_statuses()) {
    text += fmt::format("  {:<7}{}\n", info.status, wrapped(info.meaning, 9));
  }
  return text;
}

}  // namespace retrust
