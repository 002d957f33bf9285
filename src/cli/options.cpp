#include "cli/options.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/display_text.h"
#include "base/failure.h"
#include "base/near.h"
#include "base/pod_account.h"
#include "base/text.h"
#include "base/trust.h"
#include "choices/snapshot_names.h"
#include "cli/duration.h"

namespace retrust {
namespace {

namespace po = boost::program_options;

/// The sentence may hold what was typed.
[[noreturn]] void wrong(const std::string& what, Advice advice = "see retrust --help") {
  throw Failure(ExitStatus::usage, one_line(what), std::move(advice));
}

po::options_description description() {
  po::options_description options;
  for (const auto& info : all_options()) {
    const auto names =
        info.letter.empty() ? std::string(info.name) : fmt::format("{},{}", info.name, info.letter);
    if (info.argument.empty()) {
      options.add_options()(names.c_str(), po::bool_switch()->default_value(false), "");
    } else if (info.occurrence == Occurrence::several) {
      options.add_options()(names.c_str(), po::value<std::vector<std::string>>(), "");
    } else {
      options.add_options()(names.c_str(), po::value<std::string>(), "");
    }
  }
  return options;
}

std::optional<CommandName> explained_by(std::string_view name) {
  const auto* info = find_command(name);
  return info == nullptr ? std::nullopt : std::optional(info->command);
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known,
                         std::string_view prefix) {
  auto near = near_ones(word, known);
  if (near.empty()) return "see retrust --help";
  return fmt::format("did you mean {}{}?", prefix, near.front());
}

[[noreturn]] void no_such_command(const std::string& word) {
  std::vector<std::string> names;
  for (const auto& info : all_commands()) names.emplace_back(info.name);
  wrong(fmt::format("there is no command {}", word), did_you_mean(word, names, ""));
}

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  for (const auto& info : all_options()) names.emplace_back(info.name);
  return names;
}

/// `true` and `1` say yes to a flag, `false` and `0` say no.
std::string flag_text(std::string_view where, const std::string& value) {
  if (value == "true" || value == "1") return "true";
  if (value == "false" || value == "0") return "false";
  wrong(fmt::format("{} is \"{}\": give true or false", where, value));
}

po::parsed_options from_environment(const po::options_description& options,
                                    const Environment& environment) {
  po::parsed_options parsed(&options);
  for (const auto& info : all_options()) {
    const auto variable = variable_of(info);
    if (variable.empty()) continue;
    auto value = environment(variable);
    if (!value || value->empty()) continue;
    if (info.argument.empty()) *value = flag_text(variable, *value);
    parsed.options.emplace_back(std::string(info.name), std::vector<std::string>{*value});
  }
  return parsed;
}

Descriptor open_config(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) {
    wrong(
        fmt::format("cannot read the file {} that --config names: {}", path, std::strerror(errno)));
  }
  return open_trusted(path);
}

/// Number of the line that gives this name; in a section the name has that before it.
std::size_t line_of(const std::string& name, const std::string& text) {
  const auto lines = split_lines(text);
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
    const auto given = line.substr(0, line.find('='));
    const auto begin = given.find_first_not_of(" \t");
    if (begin == std::string::npos || given.size() == line.size()) return false;
    return name.ends_with(given.substr(begin, given.find_last_not_of(" \t") - begin + 1));
  });
  return static_cast<std::size_t>(found - lines.begin()) + 1;
}

po::parsed_options from_file(const po::options_description& options, const std::string& path) {
  constexpr std::size_t most_bytes = 1024UL * 1024;
  const auto text = read_all(open_config(path), path, most_bytes);
  std::istringstream file(text);
  try {
    auto parsed = po::parse_config_file(file, options);
    // As in the environment: a flag is true or false, and an empty value is none.
    std::erase_if(parsed.options, [&](po::option& option) {
      auto& value = option.value.front();
      const auto flag = find_option(option.string_key)->argument.empty();
      if (flag && !value.empty())
        value = flag_text(fmt::format("{}: {}", path, option.string_key), value);
      return value.empty();
    });
    return parsed;
  } catch (const po::invalid_syntax&) {
    // Not its own words: they quote the line, which is a secret where this is another file.
    wrong(fmt::format("{} has a line that is not NAME = VALUE: is it the file of --config?", path),
          "lines are NAME = VALUE");
  } catch (const po::unknown_option& error) {
    // Nor here: what() never returns where the name is one of its own placeholders. Base64 may end
    // with "=", so a name is told only where it is nearly one of ours.
    const auto name = error.get_option_name();
    const auto known = option_names();
    const auto what = near_ones(name, known).empty()
                          ? fmt::format("line {} of {} names no option", line_of(name, text), path)
                          : fmt::format("{}: there is no option {}", path, display_text(name, 120));
    wrong(what, did_you_mean(name, known, ""));
  } catch (const po::error& error) {
    wrong(fmt::format("{}: {}", path, display_text(error.what(), 120)), "lines are NAME = VALUE");
  }
}

/// The file that --config names, else the user's own if there is one; else empty.
std::string config_file(const po::variables_map& map, const Environment& environment) {
  if (map.count("config") > 0) return map["config"].as<std::string>();
  return standard_config(environment);
}

/// The values of all three sources together; the first to set one wins.
class Values {
 public:
  explicit Values(po::variables_map map) : map_(std::move(map)) {}

  bool flag(std::string_view name) const {
    const auto& value = map_[std::string(name)];
    return !value.empty() && value.as<bool>();
  }
  bool is_given(std::string_view name) const {
    const auto& value = map_[std::string(name)];
    return !value.empty() && !value.defaulted();
  }
  std::vector<std::string> texts(std::string_view name) const {
    const auto& value = map_[std::string(name)];
    if (value.empty()) return {};
    auto given = value.as<std::vector<std::string>>();
    // As from a variable that is not set: what kubectl would read instead is not meant.
    if (std::find(given.begin(), given.end(), "") != given.end()) {
      wrong(fmt::format("--{} is empty", name));
    }
    return given;
  }
  std::string text(std::string_view name) const {
    const auto& value = map_[std::string(name)];
    if (!value.empty()) return value.as<std::string>();
    return std::string(find_option(name)->standard);
  }
  std::chrono::milliseconds duration(std::string_view name) const {
    const auto parsed = parse_duration(text(name));
    if (!parsed || parsed->count() == 0) {
      wrong(fmt::format("--{} {} is no duration", name, text(name)),
            "give one like 90s, 5m or 1h30m");
    }
    return *parsed;
  }
  std::string required(std::string_view name) const {
    auto value = text(name);
    if (value.empty()) wrong(fmt::format("--{} is required", name));
    return value;
  }

 private:
  po::variables_map map_;
};

std::set<Step> parse_skip(const std::string& list) {
  std::set<Step> skip;
  for (std::size_t begin = 0; begin < list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    const auto word = list.substr(begin, end - begin);
    const auto step = find_step(word);
    if (!step) wrong(fmt::format("--skip {}: there is no such step", word));
    if (info_of(*step).effect == StepInfo::Effect::saves) {
      wrong(fmt::format("--skip {}: a backup is not left out so", word),
            "give --no-rancher-backup");
    }
    skip.insert(*step);
    // A section that has a check and a repair is left out whole.
    if (word == "2.5") skip.insert(Step::update_cluster);
    begin = end + 1;
  }
  return skip;
}

/// The value of an option as a number within the limits; nothing if it is no number.
std::optional<int> number_in(const std::string& given, int least, int most) {
  int number = 0;
  const auto* end = given.data() + given.size();
  const auto read = std::from_chars(given.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  if (number < least || number > most) return std::nullopt;
  return number;
}

int number_of(const Values& values, std::string_view name, std::string_view what, int least,
              int most) {
  const auto given = values.text(name);
  const auto number = number_in(given, least, most);
  if (!number) {
    wrong(fmt::format("--{} {} is no number of {}", name, given, what),
          fmt::format("give one from {} to {}", least, most));
  }
  return *number;
}

FleetOptions fleet_options(const Values& values) {
  constexpr int most = 10000;
  FleetOptions fleet;
  fleet.parallel = static_cast<std::size_t>(number_of(values, "parallel", "clusters", 1, 100));
  fleet.max_failures =
      static_cast<std::size_t>(number_of(values, "max-failures", "clusters", 1, most));
  const auto canary = values.text("canary");
  if (const auto count = number_in(canary, 0, most)) {
    fleet.canary.count = static_cast<std::size_t>(*count);
  } else {
    fleet.canary.name = canary;
  }
  return fleet;
}

/// Source of an option's value: the command line, or environment and file.
enum class Source { line, elsewhere };

Source source_of(const po::parsed_options& given, std::string_view name) {
  const auto on_line = std::any_of(given.options.begin(), given.options.end(),
                                   [&](const auto& option) { return option.string_key == name; });
  return on_line ? Source::line : Source::elsewhere;
}

/// Which of the choices in the table was made.
template <typename Choice>
Choice choose(const Values& values, std::string_view name, const CommandInfo& command,
              Source source) {
  const auto& option = *find_option(name);
  const auto choices = choices_of(option, command.command);
  const auto given = values.text(name);
  const auto found = std::find(choices.begin(), choices.end(), given);
  if (found == choices.end()) {
    const auto all = choices_of(option, {});
    if (std::find(all.begin(), all.end(), given) != all.end()) {
      // A value from the environment or the file is for each command that can take it.
      if (source == Source::elsewhere) return static_cast<Choice>(0);
      wrong(fmt::format("--{} {} has no meaning for {}: give one of {}", name, given, command.name,
                        fmt::join(choices, ", ")));
    }
    wrong(fmt::format("--{} {}: give one of {}", name, given, fmt::join(choices, ", ")),
          did_you_mean(given, {choices.begin(), choices.end()}, ""));
  }
  return static_cast<Choice>(found - choices.begin());
}

/// Where the names of snapshots are remembered, by the XDG base directory specification.
std::string state_folder(const Environment& environment) {
  const auto state = environment("XDG_STATE_HOME").value_or("");
  if (state.starts_with('/')) return state + "/retrust";
  const auto home = environment("HOME").value_or("");
  return home.empty() ? home : home + "/.local/state/retrust";
}

/// Where k3s or RKE2 keeps its data, as it itself finds it.
std::string data_folder(Distribution distribution, const Environment& environment) {
  const auto k3s = distribution == Distribution::k3s;
  auto folder = environment(k3s ? "K3S_DATA_DIR" : "RKE2_DATA_DIR").value_or("");
  if (!folder.empty()) return folder;
  return fmt::format("/var/lib/rancher/{}", name_of(distribution));
}

/// The value of an option as a name; one that breaks the rule for such names is wrong usage.
template <typename Name>
Name name_in(const Values& values, std::string_view option) {
  try {
    return values.text(option);
  } catch (const Failure& refused) {
    wrong(fmt::format("--{}: {}", option, refused.what()));
  }
}

ContainerName container_of(const Values& values) {
  return name_in<ContainerName>(values, "rancher-container");
}

BackupChoice backup_choice(const Values& values, const Environment& environment) {
  using enum BackupChoice::Kind;
  BackupChoice choice;
  choice.container = container_of(values);
  choice.rke_config = values.text("rke-config");
  choice.state_folder = state_folder(environment);
  std::vector<std::string> chosen;
  const auto choose = [&](BackupChoice::Kind kind, std::string_view option) {
    choice.kind = kind;
    chosen.push_back(fmt::format("--{}", option));
  };
  if (!choice.rke_config.empty()) choose(etcd, "rke-config");
  if (values.flag("k3s")) choose(k3s, "k3s");
  if (values.flag("rke2")) choose(rke2, "rke2");
  if (values.flag("rancher-backup")) choose(backup_operator, "rancher-backup");
  if (values.flag("no-rancher-backup")) choose(none, "no-rancher-backup");
  // Named as the way to the local cluster alone, where another choice is made.
  if (chosen.empty() && !choice.container.empty()) choice.kind = container;
  if (chosen.size() > 1) {
    wrong(fmt::format("{} were given: one of them", enumerated(chosen)),
          "--rancher-container NAME may be given beside one of them");
  }
  if (const auto distribution = choice.distribution()) {
    choice.data_folder = data_folder(*distribution, environment);
  }
  choice.date = compact_utc_text(std::chrono::system_clock::now());
  choice.snapshot = values.text("snapshot-name");
  if (choice.snapshot.empty()) {
    choice.snapshot = fmt::format("SNAPSHOT-{}{}", choice.date, choice.distribution() ? "" : ".db");
    const auto used = [&] {
      return choice.kind == etcd && is_remembered(choice.state_folder, choice.snapshot);
    };
    for (int number = 2; used(); ++number) {
      choice.snapshot = fmt::format("SNAPSHOT-{}-{}.db", choice.date, number);
    }
  }
  if (!is_snapshot_name(choice.snapshot)) {
    wrong(fmt::format("--snapshot-name {} is no name for a snapshot", choice.snapshot),
          "letters, digits, \".\", \"_\" and \"-\", not beginning with \"c-\"");
  }
  if (values.flag("allow-partial-backup")) choice.partial = Partial::tolerated;
  return choice;
}

/// What the command line does not give, as words of a command line.
std::vector<std::string> elsewhere(const po::variables_map& map, const po::parsed_options& given) {
  std::vector<std::string> words;
  for (const auto& info : all_options()) {
    const std::string name(info.name);
    const auto& value = map[name];
    if (source_of(given, name) == Source::line || value.empty()) continue;
    if (info.occurrence == Occurrence::several) {
      for (const auto& each : value.as<std::vector<std::string>>()) {
        words.push_back(fmt::format("--{}={}", name, each));
      }
    } else if (!info.argument.empty()) {
      words.push_back(fmt::format("--{}={}", name, value.as<std::string>()));
    } else if (value.as<bool>()) {
      words.push_back("--" + name);
    }
  }
  return words;
}

constexpr std::array<std::string_view, 5> backup_choices{"rke-config", "k3s", "rke2",
                                                         "rancher-backup", "no-rancher-backup"};

/// Forgets the environment's and the file's choice of a backup if the command line has one: each
/// choice is an option of its own, and the command line wins.
void prefer_choice_of_line(po::variables_map& map, const po::parsed_options& given) {
  const auto on_line = [&](std::string_view name) {
    return source_of(given, name) == Source::line;
  };
  if (std::none_of(backup_choices.begin(), backup_choices.end(), on_line)) return;
  for (const auto name : backup_choices) {
    if (!on_line(name)) map.erase(std::string(name));
  }
}

void check_applies(const po::parsed_options& given, CommandName command, std::string_view name) {
  // `run --dry-run` is a plan.
  const auto plans = command == CommandName::run &&
                     std::any_of(given.options.begin(), given.options.end(),
                                 [](const auto& option) { return option.string_key == "dry-run"; });
  for (const auto& option : given.options) {
    const auto* info = find_option(option.string_key);
    if (info == nullptr || (plans && applies_to(*info, CommandName::plan))) continue;
    if (!applies_to(*info, command)) {
      wrong(fmt::format("--{} has no meaning for {}", info->name, name));
    }
  }
}

bool is_left_to_plan(const po::option& option) {
  const auto* info = find_option(option.string_key);
  return info != nullptr && decides_plan(*info);
}

/// The file of the saved plan that is to be performed; empty if there is none.
std::string plan_file(const po::variables_map& map) {
  const auto runs = map.count("command") > 0 && map["command"].as<std::string>() == "run";
  if (!runs || map.count("plan") == 0) return {};
  auto file = map["plan"].as<std::string>();
  // As from a variable that is not set: a run without a plan is not meant.
  if (file.empty()) wrong("--plan is empty");
  return file;
}

/// Checks that the command line leaves to the saved plan what the plan decides.
void check_left_to_plan(const po::parsed_options& given) {
  for (const auto& option : given.options) {
    if (!is_left_to_plan(option)) continue;
    wrong(fmt::format("--{} was given with --plan, and the saved plan decides that",
                      option.string_key),
          fmt::format("leave --{0} out, or save another plan: plan --out takes --{0}",
                      option.string_key));
  }
}

po::parsed_options from_command_line(const std::vector<std::string>& args) {
  // What was parsed refers to its description.
  static const auto all = [] {
    auto options = description();
    options.add_options()("command", po::value<std::string>(), "")(
        "args", po::value<std::vector<std::string>>(), "");
    return options;
  }();
  po::positional_options_description positional;
  positional.add("command", 1).add("args", -1);
  namespace style = po::command_line_style;
  // Without allow_guessing: an abbreviation that fits today may mean another option tomorrow.
  constexpr int gnu = style::allow_long | style::allow_short | style::allow_dash_for_short |
                      style::long_allow_adjacent | style::long_allow_next |
                      style::short_allow_adjacent | style::short_allow_next | style::allow_sticky;
  try {
    return po::command_line_parser(args).options(all).positional(positional).style(gnu).run();
  } catch (const po::unknown_option& error) {
    auto word = error.get_option_name();
    word.erase(0, word.find_first_not_of('-'));
    wrong(fmt::format("there is no option --{}", word), did_you_mean(word, option_names(), "--"));
  } catch (const po::error& error) {
    wrong(error.what());
  }
}

}  // namespace

std::string standard_config(const Environment& environment) {
  auto folder = environment("XDG_CONFIG_HOME").value_or("");
  const auto home = environment("HOME").value_or("");
  // The XDG base directory specification: a relative path is ignored.
  if (!folder.starts_with('/')) folder = home.empty() ? std::string() : home + "/.config";
  const auto file = folder + "/retrust/config";
  return !folder.empty() && ::access(file.c_str(), F_OK) == 0 ? file : std::string();
}

CommandLine split_command_line(const std::vector<std::string>& args) {
  CommandLine line;
  for (auto& given : from_command_line(args).options) {
    const auto* option = find_option(given.string_key);
    auto words = std::move(given.original_tokens);
    if (option == nullptr) {
      line.others.push_back(std::move(given.value.front()));
      continue;
    }
    // Letters are one word together, as "-yv".
    if (words.empty() || !words.front().starts_with("--")) {
      const auto value = option->argument.empty() ? "" : "=" + given.value.front();
      words = {fmt::format("--{}{}", option->name, value)};
    }
    line.options.push_back({option, std::move(words)});
  }
  return line;
}

namespace {

/// The kubeconfig that kubectl would read by itself (kubernetes/client-go v0.35.0,
/// tools/clientcmd/loader.go): the variable, else the file in the home directory if it is there,
/// else the account of the Pod.
std::string standard_kubeconfig(const Environment& environment) {
  auto listed = environment("KUBECONFIG").value_or("");
  if (!listed.empty()) return listed;
  const auto home = environment("HOME").value_or("");
  auto file = home + "/.kube/config";
  if (!home.empty() && ::access(file.c_str(), F_OK) == 0) return file;
  return runs_in_pod(environment) ? std::string(pod_kubeconfig) : std::string();
}

/// Checks that no context is asked for of the account of the Pod, which has none.
void check_pod_has_no_context(const std::vector<std::string>& files, const Values& values,
                              std::string_view option, const Environment& environment) {
  const auto of_pod = std::any_of(files.begin(), files.end(), is_of_pod);
  if (!of_pod || !values.is_given(option) || !runs_in_pod(environment)) return;
  wrong(fmt::format("--{} was given, and the account of this Pod has no context", option),
        "give the kubeconfig that has the context");
}

/// Takes the way to Rancher's own cluster: a kubeconfig, a container, or else the account of the
/// Pod.
void take_local_way(Options& parsed, const Values& values, const Environment& environment) {
  parsed.local_kubeconfig = values.text("local-kubeconfig");
  parsed.rancher_container = container_of(values);
  parsed.local_context = values.text("local-context");
  auto& file = parsed.local_kubeconfig;
  if (file.empty() && parsed.rancher_container.empty()) {
    if (!runs_in_pod(environment)) {
      wrong("--local-kubeconfig is required",
            "or --rancher-container NAME, where Rancher runs in a single container");
    }
    file = pod_kubeconfig;
    parsed.elsewhere.push_back("--local-kubeconfig=" + file);
  }
  if (!file.empty()) check_pod_has_no_context({file}, values, "local-context", environment);
}

/// Checks which contexts of the kubeconfigs are chosen.
void check_contexts(const Options& parsed, const Values& values) {
  if (parsed.kubeconfigs.empty()) return;
  if (parsed.contexts == ContextChoice::all && values.is_given("context")) {
    wrong("--context and --all-contexts were given: one of them");
  }
  if (parsed.kubeconfigs.size() > 1 && values.is_given("context")) {
    wrong("--context was given beside several kubeconfigs",
          "give one --kubeconfig, or set the current context of each");
  }
}

/// A context on the command line of `list` is of a kubeconfig that was given.
void check_has_kubeconfig(const Options& parsed, const po::parsed_options& given) {
  if (!parsed.kubeconfigs.empty()) return;
  for (const auto& option : given.options) {
    if (option.string_key != "context" && option.string_key != "all-contexts") continue;
    wrong(fmt::format("--{} was given without --kubeconfig", option.string_key),
          "list asks downstream clusters only if --kubeconfig is given");
  }
}

/// Takes the kubeconfig and the cluster, where one of each is given.
void take_way(Options& parsed, const Values& values, const Environment& environment) {
  // What a rollback needs to know is in the folder of the run.
  const auto rollback = parsed.command == CommandName::rollback;
  auto& files = parsed.kubeconfigs;
  if (files.empty() && !rollback) {
    auto standard = standard_kubeconfig(environment);
    if (standard.empty()) values.required("kubeconfig");
    parsed.elsewhere.push_back("--kubeconfig=" + standard);
    files.push_back(std::move(standard));
  }
  const auto several = files.size() > 1 || parsed.clusters.size() > 1;
  if (rollback && several) {
    wrong("a rollback takes one --kubeconfig and one --cluster",
          "each run of a cluster left a folder of its own");
  }
  check_contexts(parsed, values);
  check_pod_has_no_context(files, values, "context", environment);
  if (files.size() == 1) parsed.kubeconfig = files.front();
  if (parsed.clusters.size() == 1) parsed.cluster = parsed.clusters.front();
}

/// Checks the arguments of a command that prints a text.
void take_text_command(Options& parsed, std::vector<std::string> rest) {
  const auto takes_none = parsed.command == CommandName::version;
  if (rest.size() > (takes_none ? 0 : 1)) {
    wrong(fmt::format("{} is too much on the command line", rest.back()));
  }
  if (parsed.command == CommandName::help && !rest.empty()) {
    const auto* command = find_command(rest.front());
    if (command == nullptr) no_such_command(rest.front());
    parsed.explained = command->command;
  }
  if (parsed.command == CommandName::completion) {
    const std::vector<std::string> shells{"bash", "zsh", "fish"};
    if (rest.empty()) wrong("which shell?", "give bash, zsh or fish");
    if (std::find(shells.begin(), shells.end(), rest.front()) == shells.end()) {
      wrong(fmt::format("there is no completion for {}", rest.front()), "give bash, zsh or fish");
    }
    parsed.shell = rest.front();
  }
}

}  // namespace

Options parse_options(const std::vector<std::string>& args, const Environment& environment,
                      const SavedOptions& saved) {
  const auto options = description();
  const auto given = from_command_line(args);

  Options parsed;
  po::variables_map map;
  try {
    po::store(given, map);
    // A text that is asked for needs nothing else.
    if (map["help"].as<bool>()) {
      if (map.count("command") > 0) {
        parsed.explained = explained_by(map["command"].as<std::string>());
      }
      return parsed;
    }
    if (map["version"].as<bool>()) {
      parsed.command = CommandName::version;
      return parsed;
    }
    auto of_environment = from_environment(options, environment);
    auto outside = map;
    po::store(of_environment, outside);
    po::parsed_options of_file(&options);
    if (const auto file = config_file(outside, environment); !file.empty()) {
      of_file = from_file(options, file);
      po::store(of_file, outside);
    }
    parsed.plan_file = plan_file(outside);
    if (!parsed.plan_file.empty()) {
      check_left_to_plan(given);
      if (saved) po::store(from_command_line(saved(parsed.plan_file)), map);
      std::erase_if(of_environment.options, is_left_to_plan);
      std::erase_if(of_file.options, is_left_to_plan);
    }
    po::store(of_environment, map);
    po::store(of_file, map);
    prefer_choice_of_line(map, given);
    parsed.elsewhere = elsewhere(map, given);
  } catch (const po::error& error) {
    wrong(error.what());
  }

  if (map.count("command") == 0) {
    wrong("which command?", "status, plan, run, step, rollback, list or rehearse; see --help");
  }
  const auto word = map["command"].as<std::string>();
  const auto* command = find_command(word);
  if (command == nullptr) no_such_command(word);
  parsed.command = command->command;
  check_applies(given, parsed.command, command->name);
  auto rest = map.count("args") > 0 ? map["args"].as<std::vector<std::string>>()
                                    : std::vector<std::string>{};
  if (!is_about_clusters(parsed.command)) {
    take_text_command(parsed, std::move(rest));
    return parsed;
  }
  if (parsed.command == CommandName::step) {
    if (rest.empty()) wrong("which step?", "give its number or name, e.g. 2.3 or get-token");
    parsed.step = find_step(rest.front());
    if (!parsed.step) {
      std::vector<std::string> names;
      for (const auto& info : all_steps()) names.emplace_back(info.name);
      wrong(fmt::format("there is no step {}", rest.front()),
            did_you_mean(rest.front(), names, ""));
    }
    rest.erase(rest.begin());
  }
  if (parsed.command == CommandName::rollback) {
    if (rest.empty()) {
      wrong("which run?",
            "give the folder that it left, e.g. rollback retrust-prod-20261125T042000Z");
    }
    parsed.rollback_folder = rest.front();
    rest.erase(rest.begin());
  }
  if (parsed.command == CommandName::rehearse) {
    // The other options are checked by the commands that are rehearsed.
    parsed.sandbox_options = std::move(rest);
    if (map["quiet"].as<bool>()) parsed.verbosity = Verbosity::quiet;
    return parsed;
  }
  if (!rest.empty()) {
    wrong(fmt::format("{} is too much on the command line", rest.front()),
          "give several kubeconfigs by their folder, or --kubeconfig for each");
  }

  const Values values(std::move(map));
  if (values.flag("dry-run") && parsed.command == CommandName::run) {
    parsed.command = CommandName::plan;
  }
  if (parsed.command == CommandName::plan && values.is_given("out")) {
    parsed.plan_out = values.text("out");
    if (parsed.plan_out.empty()) wrong("--out is empty");
  }
  if (!parsed.plan_file.empty() && !parsed.plan_out.empty()) {
    wrong("--plan and --out were given: one of them");
  }
  const auto rollback = parsed.command == CommandName::rollback;
  const auto list = parsed.command == CommandName::list;
  parsed.kubeconfigs = values.texts("kubeconfig");
  parsed.clusters = values.texts("cluster");
  if (values.flag("all-contexts")) parsed.contexts = ContextChoice::all;
  if (values.flag("all-clusters")) parsed.choice = ClusterChoice::all;
  if (parsed.choice == ClusterChoice::all && !parsed.clusters.empty()) {
    wrong("--cluster and --all-clusters were given: one of them");
  }
  parsed.fleet = fleet_options(values);
  if (list) {
    check_contexts(parsed, values);
    check_has_kubeconfig(parsed, given);
  } else {
    take_way(parsed, values, environment);
  }
  take_local_way(parsed, values, environment);
  const auto twice = parsed.kubeconfigs.size() == 1 &&
                     parsed.kubeconfigs.front() == parsed.local_kubeconfig &&
                     is_of_pod(parsed.local_kubeconfig);
  if (twice && !list && runs_in_pod(environment)) {
    wrong("--kubeconfig is required: the account of this Pod is that of the local cluster",
          "give a kubeconfig of the downstream cluster, or --local-kubeconfig in a Pod of that");
  }
  parsed.context = values.text("context");
  parsed.kubectl = values.text("kubectl");
  if (values.is_given("no-session")) {
    parsed.reads = values.flag("no-session") ? Reads::by_processes : Reads::by_sessions;
  }
  parsed.name_space = name_in<NamespaceName>(values, "namespace");
  if (parsed.name_space.empty()) wrong("--namespace is empty", "leave it out for cattle-system");
  parsed.docker = values.text("docker");
  parsed.rke = values.text("rke");
  // Whoever only looks, or takes something back, makes no backup: nothing of it is asked for.
  if (parsed.command != CommandName::status && !rollback && !list) {
    parsed.backup = backup_choice(values, environment);
  }
  parsed.overwrite = values.flag("overwrite");
  parsed.consented = values.flag("yes") && parsed.command != CommandName::plan;
  if (values.flag("all")) parsed.extent = Extent::every;
  if (values.flag("all-pods")) parsed.pods = PodChoice::every;
  if (values.flag("allow-agent-loss")) parsed.agent_loss = AgentLoss::allowed;
  const auto repair =
      values.flag("repair-impersonation") || parsed.step == Step::repair_impersonation;
  if (repair) parsed.impersonation = Impersonation::repair;
  parsed.skip = parse_skip(values.text("skip"));
  parsed.timeout = values.duration("timeout");
  parsed.command_timeout = values.duration("command-timeout");
  parsed.run_dir = values.text("run-dir");
  if (list) parsed.warn_days = number_of(values, "warn-days", "days", 0, 36500);
  parsed.output = choose<OutputFormat>(values, "output", *command, source_of(given, "output"));
  parsed.color = choose<ColorChoice>(values, "color", *command, source_of(given, "color"));
  if (values.flag("verbose")) parsed.verbosity = Verbosity::verbose;
  if (values.flag("quiet")) parsed.verbosity = Verbosity::quiet;
  return parsed;
}

}  // namespace retrust
