#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "choices/backup_choice.h"
#include "choices/context_choice.h"
#include "choices/fleet_options.h"
#include "choices/step.h"

namespace retrust {

enum class CommandName {
  status,
  plan,
  run,
  step,
  rollback,
  list,
  rehearse,
  completion,
  help,
  version
};
// In the order of the table's choices.
enum class OutputFormat { text, json, wide, name };
enum class ColorChoice { automatic, always, never };
enum class Verbosity { quiet, normal, verbose };

/// Clusters of a command.
enum class ClusterChoice {
  named,  ///< by --cluster, or by the kubeconfigs where they lead to one
  all,    ///< every one that a kubeconfig leads to (`--all-clusters`)
};

/// How clusters are read (`--no-session`).
enum class Reads {
  as_kubectl_allows,  ///< by sessions, unless kubectl is a script
  by_sessions,
  by_processes,
};

/// Checked options from the command line, the environment and a file.
struct Options {
  CommandName command = CommandName::help;
  std::optional<CommandName> explained;  ///< by `help`; nothing: the whole program
  std::optional<Step> step;
  std::string shell;  ///< of `completion`
  std::string rollback_folder;
  std::vector<std::string> kubeconfigs;  ///< as given: files, folders and lists
  std::vector<std::string> clusters;     ///< as given: IDs, display names and patterns
  ClusterChoice choice = ClusterChoice::named;
  FleetOptions fleet;
  ContextChoice contexts = ContextChoice::current;
  std::string kubeconfig;           ///< the only one that was given, or that was found; else empty
  std::string local_kubeconfig;     ///< empty: the cluster is reached through the container
  ContainerName rancher_container;  ///< that Rancher runs in, where it was named
  Uid cluster_uid = {};  ///< kube-system's uid, where the kubeconfig was found by it; else empty
  std::string cluster;   ///< the only one that was given, or the ID that was found; else empty
  std::string context;
  std::string local_context;
  std::string kubectl = "kubectl";
  Reads reads = Reads::as_kubectl_allows;
  std::string docker = "docker";
  std::string rke;  ///< empty: rke or rke_linux-amd64
  NamespaceName name_space = "cattle-system";
  BackupChoice backup;
  std::vector<std::string> sandbox_options;  ///< of `rehearse`
  bool overwrite = false;                    ///< changes that somebody else made since the run
  bool consented = false;                    ///< by `--yes`
  Extent extent = Extent::needed;
  PodChoice pods = PodChoice::agents;
  AgentLoss agent_loss = AgentLoss::refused;
  Impersonation impersonation = Impersonation::leave;
  std::set<Step> skip;
  int warn_days = 0;  ///< remaining days of a stored CA from which `list` warns
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds command_timeout{0};
  std::string run_dir;
  std::string plan_out;   ///< of `plan`: the file that the plan is saved in; empty if it is not
  std::string plan_file;  ///< of `run`: the file with the saved plan to perform; else empty
  OutputFormat output = OutputFormat::text;
  ColorChoice color = ColorChoice::automatic;
  Verbosity verbosity = Verbosity::normal;
  /// Options that came from the environment or the file, as words of a command line.
  std::vector<std::string> elsewhere;
};

/// How often an option may be given.
enum class Occurrence { once, several };

/// An option as users see it: the one source of parsing, help, man page and completion.
struct OptionInfo {
  std::string_view name = {};      ///< without the dashes
  std::string_view letter = {};    ///< one-letter form, or empty
  std::string_view argument = {};  ///< placeholder of its value, or empty for a flag
  std::string_view standard = {};  ///< default value, or empty
  std::string_view help = {};
  std::vector<CommandName> commands = {};           ///< that take it; empty means all
  std::vector<std::string_view> choices = {};       ///< what its value can be; empty means anything
  std::vector<std::string_view> list_choices = {};  ///< further values, with `list` alone
  Occurrence occurrence = Occurrence::once;
};

struct CommandInfo {
  CommandName command;
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
};

/// Meaning of an exit status.
struct StatusInfo {
  std::string_view status;
  std::string_view meaning;
};

/// The command that completion of a shell calls, with the words of the line; it is in no table.
inline constexpr std::string_view complete_command = "complete";

const std::vector<OptionInfo>& all_options();
const std::vector<CommandInfo>& all_commands();
const std::vector<StatusInfo>& all_statuses();
/// Whether the command has to do with clusters; the others print a text.
bool is_about_clusters(CommandName command);
bool applies_to(const OptionInfo& option, CommandName command);
/// Whether the plan that `plan --out` saves has the option: `run --plan` takes it from there alone.
bool decides_plan(const OptionInfo& option);
/// Values that the option can have with a command, or with any if there is none yet.
std::vector<std::string_view> choices_of(const OptionInfo& option,
                                         std::optional<CommandName> command);
/// Finds an option or a command by name, without dashes; null if there is none.
const OptionInfo* find_option(std::string_view name);
const CommandInfo* find_command(std::string_view name);

/// The variable that an option can come from; empty where it comes from the command line alone.
std::string variable_of(const OptionInfo& option);

/// Looks up a variable of the environment; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// The user's own file of options, $XDG_CONFIG_HOME/retrust/config; empty if there is none.
std::string standard_config(const Environment& environment);

/// Reads the options of a saved plan, as words of a command line. Throws Failure.
using SavedOptions = std::function<std::vector<std::string>(const std::string& path)>;

/// Reads the command line (without the program's name), then the environment (RETRUST_…), then the
/// file that --config names, or else standard_config(): what comes first wins. With --plan, `saved`
/// reads the options that decide a plan, and they count from nowhere else. Throws Failure (usage).
Options parse_options(const std::vector<std::string>& args, const Environment& environment,
                      const SavedOptions& saved = {});

/// A command line in parts: its options, each with the words that give it, and the other words.
struct CommandLine {
  struct Given {
    const OptionInfo* option;
    std::vector<std::string> words;
  };
  std::vector<Given> options;
  std::vector<std::string> others;  ///< the command and its arguments
};

/// Splits what parse_options accepted.
CommandLine split_command_line(const std::vector<std::string>& args);

/// Name of the program as called: "retrust", or "kubectl retrust" by the link kubectl-retrust.
std::string program_name(std::string_view path);

/// The text of --help: of the program, with the options that most commands take, or of one command,
/// with all its options. At most 50 lines of 80 columns: the man page has the rest.
std::string help_text(std::string_view program = "retrust",
                      std::optional<CommandName> explained = {});

}  // namespace retrust
