#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdlib.h>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "cli/duration.h"
#include "cli/options.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace retrust::fuzz {
namespace {

/// A config file of one input after another, in a private folder.
class ConfigFile {
 public:
  ConfigFile() {
    auto pattern = (std::filesystem::temp_directory_path() / "retrust-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
  }
  ~ConfigFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;

  std::string path() const { return (folder_ / "config").string(); }
  void write(std::string_view text) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
    std::filesystem::permissions(
        path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

 private:
  std::filesystem::path folder_;
};

std::optional<std::string> nothing(const std::string& /*variable*/) {
  return std::nullopt;
}

/// What these words ask for; nothing where they are refused, which they may be for wrong usage
/// alone.
std::optional<Options> read(const std::vector<std::string>& args, const Environment& environment) {
  try {
    return parse_options(args, environment);
  } catch (const Failure& failure) {
    require(failure.status == ExitStatus::usage || failure.status == ExitStatus::refused,
            "options are refused as wrong usage");
    require(is_one_line(failure.what()) && is_one_line(failure.advice.text()),
            "a refusal is one line");
  }
  return std::nullopt;
}

void check(const Options& options) {
  require(options.rancher_container.empty() || options.rancher_container.text().front() != '-',
          "a container's name is no option");
  require(options.timeout.count() >= 0 && options.command_timeout.count() >= 0,
          "a duration is not negative");
}

bool same(const Options& a, const Options& b) {
  return a.command == b.command && a.step == b.step && a.kubeconfig == b.kubeconfig &&
         a.local_kubeconfig == b.local_kubeconfig && a.rancher_container == b.rancher_container &&
         a.cluster == b.cluster && a.context == b.context && a.local_context == b.local_context &&
         a.kubectl == b.kubectl && a.docker == b.docker && a.rke == b.rke &&
         a.name_space == b.name_space && a.backup.kind == b.backup.kind &&
         a.overwrite == b.overwrite && a.consented == b.consented && a.extent == b.extent &&
         a.pods == b.pods && a.impersonation == b.impersonation && a.skip == b.skip &&
         a.timeout == b.timeout && a.command_timeout == b.command_timeout &&
         a.run_dir == b.run_dir && a.output == b.output && a.color == b.color &&
         a.verbosity == b.verbosity;
}

}  // namespace

/// Every line is a word; after an empty line each is NAME=VALUE of the environment.
void options(std::string_view input) {
  const auto [first, second] = halves(input, "\n\n");
  auto args = split_lines(first);
  // Any file of this machine could be named: a pipe would be waited for.
  std::erase_if(args, [](const std::string& word) { return word.starts_with("--config"); });
  const auto variables = split_lines(second);
  const auto environment = [&](const std::string& variable) -> std::optional<std::string> {
    if (!variable.starts_with("RETRUST_") || variable == "RETRUST_CONFIG") return std::nullopt;
    for (const auto& line : variables) {
      if (line.starts_with(variable + "=")) return line.substr(variable.size() + 1);
    }
    return std::nullopt;
  };
  const auto options = read(args, environment);
  if (options) check(*options);
  for (const auto& word : args) {
    const auto duration = parse_duration(word);
    if (!duration) continue;
    require(parse_duration(fmt::format("{}ms", duration->count())) == duration,
            "a duration goes there and back");
  }
}

void config_file(std::string_view input) {
  static const ConfigFile file;
  file.write(input);
  std::vector<std::string> args{"run", "--kubeconfig=a", "--local-kubeconfig=b", "--cluster=c"};
  auto with_file = args;
  with_file.push_back("--config=" + file.path());
  const auto options = read(with_file, nothing);
  if (!options) return;
  check(*options);
  // A transcript shows these words as what the file has asked for.
  args.insert(args.end(), options->elsewhere.begin(), options->elsewhere.end());
  const auto shown = read(args, nothing);
  require(options->command == CommandName::version || options->command == CommandName::help ||
              (shown && same(*shown, *options)),
          "a file's options, typed, ask for the same");
}

}  // namespace retrust::fuzz
