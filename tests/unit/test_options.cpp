#include <filesystem>
#include <map>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "children.h"
#include "cli/completion.h"
#include "cli/duration.h"
#include "cli/options.h"

namespace retrust {
namespace {

using Variables = std::map<std::string, std::string>;

Options parse(std::vector<std::string> args, Variables variables = {}) {
  return parse_options(args, [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

const std::vector<std::string> required{"--kubeconfig", "down",      "--local-kubeconfig",
                                        "local",        "--cluster", "prod"};

Options parse_with(std::vector<std::string> args, Variables variables = {}) {
  args.insert(args.end(), required.begin(), required.end());
  return parse(std::move(args), std::move(variables));
}

std::string complaint(const std::vector<std::string>& args, Variables variables = {}) {
  try {
    parse_with(args, std::move(variables));
  } catch (const Failure& failure) {
    CHECK(failure.status == ExitStatus::usage);
    return std::string(failure.what()) + "; " + failure.advice.text();
  }
  return "no complaint";
}

TEST_CASE("a full command line") {
  const auto options = parse_with({"run", "--yes", "--no-rancher-backup", "--timeout=1m30s",
                                   "--skip", "3.1,delete-token", "-o", "json", "--all-pods"});
  CHECK(options.command == CommandName::run);
  CHECK(options.kubeconfig == "down");
  CHECK(options.consented);
  CHECK(options.backup.kind == BackupChoice::Kind::none);
  CHECK(options.timeout == std::chrono::seconds{90});
  CHECK(options.command_timeout == std::chrono::seconds{60});
  CHECK(options.skip == std::set<Step>{Step::restart_rancher, Step::delete_token});
  CHECK(options.output == OutputFormat::json);
  CHECK(options.pods == PodChoice::every);
  CHECK(options.name_space == "cattle-system");
}

TEST_CASE("who only looks makes no backup, even one that the environment asks for") {
  const Variables variables{{"RETRUST_RKE_CONFIG", "/nonexistent"},
                            {"RETRUST_SNAPSHOT_NAME", "no/name"}};
  CHECK(parse_with({"status"}, variables).backup.kind == BackupChoice::Kind::not_chosen);
  CHECK_THROWS_AS(parse_with({"run"}, variables), Failure);
}

TEST_CASE("steps go by number or name") {
  CHECK(parse_with({"step", "2.3"}).step == Step::get_token);
  CHECK(parse_with({"step", "get-token"}).step == Step::get_token);
  CHECK(parse_with({"step", "2.5"}).step == Step::check_cluster);
  CHECK(parse_with({"step", "update-cluster"}).step == Step::update_cluster);
}

TEST_CASE("what is wrong is said, with what was meant") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"run", "--timout", "5m"}, "there is no option --timout; did you mean --timeout?"},
      {{"run", "--time", "5m"}, "there is no option --time"},
      {{"stauts"}, "there is no command stauts; did you mean status?"},
      {{"step", "get-tokn"}, "there is no step get-tokn; did you mean get-token?"},
      {{"step"}, "which step?"},
      {{}, "which command?"},
      {{"status", "more"}, "more is too much"},
      {{"status", "--yes"}, "--yes has no meaning for status"},
      {{"run", "--timeout", "soon"}, "--timeout soon is no duration"},
      {{"run", "--timeout", "0s"}, "--timeout 0s is no duration"},
      {{"run", "-o", "yaml"}, "--output yaml: give one of text, json"},
      {{"run", "--skip", "9.9"}, "--skip 9.9: there is no such step"},
      {{"status", "--config", "/nonexistent"}, "cannot read the file /nonexistent"},
      {{"run", "-o", "jsno"}, "--output jsno: give one of text, json; did you mean json?"},
      {{"status", "-o", "wide"}, "--output wide has no meaning for status: give one of text, json"},
      {{"status", "--warn-days", "9"}, "--warn-days has no meaning for status"},
  };
  for (const auto& [args, expected] : cases) {
    CAPTURE(expected);
    CHECK(complaint(args).find(expected) != std::string::npos);
  }
}

TEST_CASE("a name that no option has is told where it stands") {
  const test::Folder folder;
  const auto said = [&](const std::string& text) {
    const auto file = folder.file("config", text, std::filesystem::perms::owner_all);
    return complaint({"status", "--config", file});
  };
  for (const std::string name : {"%canonical_option%", "un%prefix%known", "%value%", "%option%"}) {
    CAPTURE(name);
    CHECK(said("# mine\n\n  " + name + " = 1\n").find("line 3 of ") != std::string::npos);
    CHECK(complaint({"status", "--" + name}).find("there is no option --" + name) !=
          std::string::npos);
  }
  CHECK(said("timout = 5m\n").find("there is no option timout; did you mean timeout?") !=
        std::string::npos);
  CHECK(said("[part]\nother = 5m\n").find("line 2 of ") != std::string::npos);
  // Another file, which was given by mistake.
  const auto secret = said("c2VjcmV0LW9mLXNvbWVib2R5==\n");
  CHECK(secret.find("line 1 of ") != std::string::npos);
  CHECK(secret.find("c2Vj") == std::string::npos);
}

TEST_CASE("the required options") {
  for (const std::string left_out : {"--kubeconfig", "--local-kubeconfig"}) {
    std::vector<std::string> args{"status"};
    for (std::size_t i = 0; i < required.size(); i += 2) {
      if (required[i] == left_out) continue;
      args.push_back(required[i]);
      args.push_back(required[i + 1]);
    }
    CAPTURE(left_out);
    CHECK_THROWS_WITH_AS(parse(args), (left_out + " is required").c_str(), Failure);
  }
}

TEST_CASE("kubeconfigs and clusters may be several, and the cluster may be found out") {
  const std::vector<std::string> local{"--local-kubeconfig", "local"};
  const auto with = [&](std::vector<std::string> args) {
    args.insert(args.end(), local.begin(), local.end());
    return parse(args);
  };
  using Words = std::vector<std::string>;
  const auto one = with({"status", "--kubeconfig", "a", "--cluster", "prod"});
  CHECK(one.kubeconfig == "a");
  CHECK(one.cluster == "prod");
  const auto several = with({"run", "--kubeconfig=a", "--kubeconfig", "b", "--cluster", "prod-*",
                             "--cluster=test", "--all-contexts"});
  CHECK(several.kubeconfigs == Words{"a", "b"});
  CHECK(several.clusters == Words{"prod-*", "test"});
  CHECK(several.contexts == ContextChoice::all);
  CHECK(several.kubeconfig.empty());
  CHECK(several.cluster.empty());
  CHECK(with({"status", "--kubeconfig", "a"}).cluster.empty());
  CHECK_THROWS_WITH(with({"status", "--kubeconfig=a", "--all-contexts", "--context=x"}),
                    "--context and --all-contexts were given: one of them");
  CHECK_THROWS_WITH(with({"status", "--kubeconfig=a", "--kubeconfig=b", "--context=x"}),
                    "--context was given beside several kubeconfigs");
  CHECK_THROWS_WITH(with({"status", "--kubeconfig", "", "--cluster=a"}), "--kubeconfig is empty");
  CHECK_THROWS_WITH(with({"status", "--kubeconfig=a", "--cluster", ""}), "--cluster is empty");
  CHECK_THROWS_WITH(with({"rollback", "DIR", "--cluster=a", "--cluster=b"}),
                    "a rollback takes one --kubeconfig and one --cluster");
}

TEST_CASE("without --kubeconfig the one counts that kubectl would read") {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "KUBECONFIG" ? std::optional<std::string>("x:y") : std::nullopt;
  };
  const auto options = parse_options({"status", "--local-kubeconfig", "local"}, environment);
  CHECK(options.kubeconfig == "x:y");
  CHECK(options.elsewhere == std::vector<std::string>{"--kubeconfig=x:y"});
  const auto given =
      parse_options({"status", "--local-kubeconfig", "l", "--kubeconfig", "z"}, environment);
  CHECK(given.kubeconfig == "z");
}

TEST_CASE("a list needs the local cluster alone") {
  const auto options = parse({"list", "--local-kubeconfig", "local"});
  CHECK(options.command == CommandName::list);
  CHECK(options.warn_days == 60);
  CHECK(options.output == OutputFormat::text);
  CHECK(options.backup.kind == BackupChoice::Kind::not_chosen);
  const auto contained = parse({"list", "--rancher-container", "rancher", "-o", "name"});
  CHECK(contained.output == OutputFormat::name);
  CHECK_THROWS_WITH_AS(parse({"list"}), "--local-kubeconfig is required", Failure);
  // What is there for other commands stays without effect.
  const Variables variables{{"RETRUST_LOCAL_KUBECONFIG", "local"},
                            {"RETRUST_CLUSTER", "prod"},
                            {"RETRUST_CONTEXT", "down"},
                            {"RETRUST_ALL_CONTEXTS", "true"},
                            {"KUBECONFIG", "down"},
                            {"HOME", "/"},
                            {"RETRUST_WARN_DAYS", "30"},
                            {"RETRUST_OUTPUT", "wide"}};
  const auto elsewhere = parse({"list"}, variables);
  CHECK(elsewhere.warn_days == 30);
  CHECK(elsewhere.output == OutputFormat::wide);
  CHECK(elsewhere.kubeconfigs.empty());
  CHECK(parse({"list", "--warn-days", "0"}, variables).warn_days == 0);
}

TEST_CASE("a list asks downstream clusters only by kubeconfigs that were given to it") {
  const Variables variables{{"RETRUST_LOCAL_KUBECONFIG", "local"}, {"RETRUST_KUBECONFIG", "down"}};
  CHECK(parse({"list"}, variables).kubeconfigs == std::vector<std::string>{"down"});
  const auto options =
      parse({"list", "--kubeconfig", "a", "--kubeconfig=b", "--all-contexts"}, variables);
  CHECK(options.kubeconfigs == std::vector<std::string>{"a", "b"});
  CHECK(options.contexts == ContextChoice::all);
  CHECK(parse({"list", "--context=prod"}, variables).context == "prod");
  const Variables local{{"RETRUST_LOCAL_KUBECONFIG", "local"}};
  CHECK_THROWS_WITH_AS(parse({"list", "--context=prod"}, local),
                       "--context was given without --kubeconfig", Failure);
  CHECK_THROWS_WITH_AS(parse({"list", "--all-contexts"}, local),
                       "--all-contexts was given without --kubeconfig", Failure);
  CHECK_THROWS_AS(parse({"list", "--kubeconfig=a", "--kubeconfig=b", "--context=prod"}, local),
                  Failure);
  CHECK_THROWS_AS(parse({"list", "--context=prod", "--all-contexts"}, variables), Failure);
}

TEST_CASE("days to warn are a number within a hundred years") {
  const auto said = [](const std::string& days) {
    try {
      parse({"list", "--local-kubeconfig", "local", "--warn-days=" + days});
    } catch (const Failure& failure) {
      CHECK(failure.status == ExitStatus::usage);
      return std::string(failure.what()) + "; " + failure.advice.text();
    }
    return std::string("no complaint");
  };
  CHECK(said("36500") == "no complaint");
  for (const auto* wrong : {"-1", "36501", "60d", "1.5", " 5", "99999999999999999999", "sixty"}) {
    CAPTURE(wrong);
    CHECK(said(wrong).find("is no number of days; give one from 0 to 36500") != std::string::npos);
  }
}

TEST_CASE("Rancher's container is a way to its cluster, and a backup unless another is chosen") {
  using Kind = BackupChoice::Kind;
  const auto kind = [](std::vector<std::string> args) {
    args.insert(args.begin(), {"run", "--kubeconfig", "down", "--cluster", "prod",
                               "--rancher-container", "rancher"});
    const auto options = parse(args);
    CHECK(options.local_kubeconfig.empty());
    CHECK(options.backup.container == "rancher");
    return options.backup.kind;
  };
  CHECK(kind({}) == Kind::container);
  CHECK(kind({"--no-rancher-backup"}) == Kind::none);
  CHECK(kind({"--rke-config", "cluster.yml"}) == Kind::etcd);
  CHECK(kind({"--k3s"}) == Kind::k3s);
  CHECK(kind({"--rke2"}) == Kind::rke2);
  CHECK(kind({"--rancher-backup"}) == Kind::backup_operator);
  CHECK(complaint({"run", "--rancher-backup", "--no-rancher-backup"})
            .find("--rancher-backup and --no-rancher-backup were given") != std::string::npos);
  CHECK(complaint({"run", "--k3s", "--rke2"}).find("--k3s and --rke2 were given") !=
        std::string::npos);
  CHECK(parse_with({"run", "--k3s"}, {{"K3S_DATA_DIR", "/data"}}).backup.data_folder == "/data");
  CHECK(parse_with({"run", "--rke2"}).backup.data_folder == "/var/lib/rancher/rke2");
}

TEST_CASE("a choice of a backup on the command line wins over another in the environment") {
  using Kind = BackupChoice::Kind;
  const Variables waived{{"RETRUST_NO_RANCHER_BACKUP", "true"}};
  CHECK(parse_with({"run"}, waived).backup.kind == Kind::none);
  const auto options = parse_with({"run", "--k3s"}, waived);
  CHECK(options.backup.kind == Kind::k3s);
  CHECK(options.elsewhere.empty());
  CHECK(parse_with({"run", "--no-rancher-backup"}, {{"RETRUST_K3S", "true"}}).backup.kind ==
        Kind::none);
}

TEST_CASE("the command line wins over the environment") {
  const Variables variables{{"RETRUST_KUBECONFIG", "from-environment"},
                            {"RETRUST_NAMESPACE", "elsewhere"},
                            {"RETRUST_YES", "true"}};
  const auto options = parse_with({"run"}, variables);
  CHECK(options.kubeconfig == "down");
  CHECK(options.name_space == "elsewhere");
  CHECK(options.consented);
  CHECK(complaint({"run"}, {{"RETRUST_YES", "perhaps"}}).find("RETRUST_YES") != std::string::npos);
}

TEST_CASE("durations") {
  using namespace std::chrono_literals;
  CHECK(parse_duration("90s") == 90s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("500ms") == 500ms);
  for (const auto* wrong :
       {"", "5", "m", "-5s", "5 m", "1.5s", "99999999999999999999s", "9999999h"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
}

void check_fits_a_screen(const std::string& help) {
  const auto lines = split_lines(help);
  CHECK(lines.size() <= 50);
  for (const auto& line : lines) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
}

TEST_CASE("the help names every command, and fits a screen") {
  const auto help = help_text();
  check_fits_a_screen(help);
  for (const auto& command : all_commands()) {
    CHECK(help.find("\n  " + std::string(command.name) + " ") != std::string::npos);
  }
  const auto steps = help_text("retrust", CommandName::step);
  for (const auto& info : all_steps()) {
    CHECK(steps.find(fmt::format("{} {}", info.section, info.name)) != std::string::npos);
  }
}

TEST_CASE("commands that print a text need no cluster, and take no option of one") {
  CHECK(parse({"version"}).command == CommandName::version);
  CHECK(parse({"help"}).command == CommandName::help);
  CHECK_FALSE(parse({"help"}).explained);
  CHECK_THROWS_WITH_AS(parse({"help", "plann"}), "there is no command plann", Failure);
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto options = parse({"completion", shell});
    CHECK(options.command == CommandName::completion);
    CHECK(options.shell == shell);
    CHECK(completion_script(shell).find("retrust complete") != std::string::npos);
  }
  CHECK_THROWS_WITH_AS(parse({"completion"}), "which shell?", Failure);
  CHECK_THROWS_WITH_AS(parse({"completion", "tcsh"}), "there is no completion for tcsh", Failure);
  CHECK_THROWS_WITH_AS(parse({"version", "x"}), "x is too much on the command line", Failure);
  CHECK_THROWS_WITH_AS(parse({"version", "--cluster=x"}), "--cluster has no meaning for version",
                       Failure);
  // A wrong variable keeps nobody from the help.
  CHECK(parse({"run", "--help"}, {{"RETRUST_YES", "perhaps"}}).explained == CommandName::run);
}

TEST_CASE("a dry run is a plan") {
  const auto options = parse_with({"run", "--dry-run", "--yes", "--timeout=2m"});
  CHECK(options.command == CommandName::plan);
  CHECK_FALSE(options.consented);
  CHECK(complaint({"status", "--dry-run"}).starts_with("--dry-run has no meaning for status"));
  CHECK(parse_with({"run"}, {{"RETRUST_DRY_RUN", "true"}}).command == CommandName::plan);
}

TEST_CASE("the options of a saved plan count from there alone") {
  const auto run = [](std::vector<std::string> more, Variables variables = {}) {
    std::vector<std::string> args{"run", "--kubeconfig=down", "--local-kubeconfig=local"};
    args.insert(args.end(), more.begin(), more.end());
    const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return parse_options(args, environment, [](const std::string& path) {
      CHECK(path == "plan.json");
      return std::vector<std::string>{"--k3s", "--skip=2.2", "--cluster=c-x7k2p"};
    });
  };
  const Variables variables{{"RETRUST_SKIP", "2.1"},    {"RETRUST_RKE_CONFIG", "cluster.yml"},
                            {"RETRUST_CLUSTER", "c"},   {"RETRUST_ALL_CLUSTERS", "true"},
                            {"RETRUST_TIMEOUT", "90s"}, {"RETRUST_OUT", "other.json"}};
  for (const auto& options : {run({"--plan=plan.json"}, variables), run({}, [&] {
                                auto more = variables;
                                more["RETRUST_PLAN"] = "plan.json";
                                return more;
                              }())}) {
    CHECK(options.plan_file == "plan.json");
    CHECK(options.plan_out.empty());
    CHECK(options.skip == std::set<Step>{Step::recreate_agents});
    CHECK(options.backup.kind == BackupChoice::Kind::k3s);
    CHECK(options.cluster == "c-x7k2p");
    CHECK(options.timeout == std::chrono::seconds{90});
    CHECK_FALSE(options.consented);
  }
  CHECK(run({"--plan=plan.json", "--yes"}).consented);
  CHECK(run({"--plan=plan.json", "--dry-run"}).command == CommandName::plan);
  CHECK_THROWS_WITH_AS(run({"--plan=plan.json", "--k3s"}),
                       "--k3s was given with --plan, and the saved plan decides that", Failure);
  CHECK_THROWS_WITH_AS(run({"--plan", ""}), "--plan is empty", Failure);
  CHECK_THROWS_WITH_AS(run({"--plan", "plan.json", "--dry-run", "--out", "x"}),
                       "--plan and --out were given: one of them", Failure);
}

TEST_CASE("a plan alone is saved") {
  CHECK(parse_with({"plan", "--out=x"}).plan_out == "x");
  CHECK(parse_with({"run", "--dry-run", "--out=x"}).plan_out == "x");
  CHECK(parse_with({"run"}, {{"RETRUST_OUT", "x"}}).plan_out.empty());
  CHECK(complaint({"run", "--out=x"}).starts_with("--out has no meaning for run"));
  CHECK(complaint({"plan", "--out", ""}).starts_with("--out is empty"));
  CHECK(complaint({"plan", "--plan=x"}).starts_with("--plan has no meaning for plan"));
  CHECK(parse_with({"plan"}, {{"RETRUST_PLAN", "x"}}).plan_file.empty());
}

TEST_CASE("the user's own file of options counts where no other is named") {
  namespace fs = std::filesystem;
  using namespace std::chrono_literals;
  const test::Folder folder;
  const auto root = folder.path(".");
  constexpr auto owner = fs::perms::owner_read | fs::perms::owner_write;
  const auto own = folder.file("own", "timeout = 7m\n", owner);
  const auto other = folder.file("other", "timeout = 8m\n", owner);
  fs::create_directories(root + "/retrust");
  fs::rename(own, root + "/retrust/config");
  const Variables variables{{"XDG_CONFIG_HOME", root}};
  CHECK(parse_with({"run"}, variables).timeout == 7min);
  CHECK(parse_with({"run", "--timeout=9m"}, variables).timeout == 9min);
  CHECK(parse_with({"run", "--config", other}, variables).timeout == 8min);
  CHECK(parse_with({"run"}, {{"HOME", root}}).timeout == 5min);
  fs::create_directories(root + "/.config");
  fs::rename(root + "/retrust", root + "/.config/retrust");
  CHECK(parse_with({"run"}, {{"HOME", root}}).timeout == 7min);
  CHECK(parse_with({"run"}, {{"HOME", root}, {"XDG_CONFIG_HOME", "relative"}}).timeout == 7min);
}

TEST_CASE("a form of output that list alone has is no mistake for others in the environment") {
  const Variables variables{{"RETRUST_OUTPUT", "wide"}};
  CHECK(parse_with({"status"}, variables).output == OutputFormat::text);
  CHECK(parse({"list", "--local-kubeconfig=x"}, variables).output == OutputFormat::wide);
  CHECK(complaint({"status", "-o", "wide"}).starts_with("--output wide has no meaning for status"));
  CHECK(parse_with({"status", "-n", "other"}).name_space == "other");
}

TEST_CASE("help of one command shows what it takes, and nothing else") {
  for (const auto& command : all_commands()) {
    const std::string name(command.name);
    CAPTURE(name);
    CHECK(parse({name, "--help"}).explained == command.command);
    CHECK(parse({"help", name}).explained == command.command);
    const auto help = help_text("retrust", command.command);
    CHECK(help.starts_with("Usage: retrust " + name));
    for (const auto& option : all_options()) {
      CAPTURE(option.name);
      const auto shown = help.find(" --" + std::string(option.name) + "\n") != std::string::npos ||
                         help.find(" --" + std::string(option.name) + " ") != std::string::npos;
      CHECK(shown == (applies_to(option, command.command) && option.name != "version"));
    }
    check_fits_a_screen(help);
  }
  CHECK(help_text("retrust", CommandName::status).find("--overwrite") == std::string::npos);
  CHECK_FALSE(parse({"--help"}).explained);
}

TEST_CASE("the name in the usage is that by which it was called") {
  CHECK(program_name("/usr/bin/retrust") == "retrust");
  CHECK(program_name("/usr/bin/kubectl-retrust") == "kubectl retrust");
  CHECK(help_text("kubectl retrust", CommandName::run).starts_with("Usage: kubectl retrust run "));
}

TEST_CASE("somebody's variable RETRUST_VERSION is not an option") {
  CHECK(parse_with({"status"}, {{"RETRUST_VERSION", "1.2"}}).command == CommandName::status);
}

}  // namespace
}  // namespace retrust
