#include "documents/completion.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/options.h"

namespace retrust::documents {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

/// The words that an option's value can be; empty where it is free.
std::vector<std::string> choices(const OptionInfo& option) {
  if (option.name == "output") return {"text", "json"};
  if (option.name == "color") return {"auto", "always", "never"};
  return {};
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const auto& info : all_steps()) names.emplace_back(info.name);
  return names;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& info : all_commands()) names.emplace_back(info.name);
  return names;
}

bool is_file(const OptionInfo& option) {
  return option.argument == "FILE" || option.argument == "PATH";
}

/// For single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return "'" + result + "'";
}

/// "--x|-y" of the options that fit.
template <typename Fits>
std::string pattern(Fits fits) {
  std::vector<std::string> words;
  for (const auto& option : all_options()) {
    if (!fits(option)) continue;
    words.push_back(fmt::format("--{}", option.name));
    if (!option.letter.empty()) words.push_back(fmt::format("-{}", option.letter));
  }
  return joined(words, "|");
}

constexpr std::string_view bash_begin = R"(# Completion of retrust for bash; made from its tables.
# Only text of the command line is looked at: nothing of it is ever evaluated.
_retrust_clusters() {
  local i word value='' kubeconfig='' context='' kubectl=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]} value=${COMP_WORDS[i + 1]}
    [[ $value == = ]] && value=${COMP_WORDS[i + 2]}
    value=${value//[\"\'\\]/}
    [[ $value == '~/'* ]] && value=$HOME/${value:2}
    case $word in
      --local-kubeconfig) kubeconfig=$value ;;
      --local-context) context=$value ;;
      --kubectl) kubectl=$value ;;
    esac
  done
  [[ -n $kubeconfig || -n ${RETRUST_LOCAL_KUBECONFIG:-} || -n ${RETRUST_CONFIG:-} ]] || return 0
  retrust complete-clusters ${kubeconfig:+--local-kubeconfig="$kubeconfig"} \
    ${context:+--local-context="$context"} ${kubectl:+--kubectl="$kubectl"} 2>/dev/null </dev/null
}

_retrust() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' i word id name
  # bash takes --option=value for three words.
  [[ $cur == = ]] && cur='' && prev=${COMP_WORDS[COMP_CWORD - 1]}
  [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
)";

constexpr std::string_view bash_clusters = R"bash(    --cluster)
      while IFS=$'\t' read -r id name; do
        if [[ $id == "$cur"* ]]; then
          COMPREPLY+=("$id")
        elif [[ $name == "$cur"* ]]; then
          COMPREPLY+=("$(printf %q "$name")")
        fi
      done < <(_retrust_clusters)
      return
      ;;
)bash";

std::string bash() {
  std::string text(bash_begin);
  text +=
      fmt::format("      {}) command=${{command:-$word}} ;;\n    esac\n  done\n  case $prev in\n",
                  joined(command_names(), "|"));
  text += bash_clusters;
  const auto words = [&](const std::string& of, const std::vector<std::string>& all) {
    text += fmt::format(
        "    {})\n      mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")\n"
        "      return\n      ;;\n",
        of, joined(all, " "));
  };
  const auto compgen = [&](const std::string& of, std::string_view how) {
    text += fmt::format(
        "    {})\n      compopt -o filenames 2>/dev/null\n"
        "      mapfile -t COMPREPLY < <(compgen {} -- \"$cur\")\n"
        "      return\n      ;;\n",
        of, how);
  };
  for (const auto& option : all_options()) {
    if (const auto known = choices(option); !known.empty()) {
      words(pattern([&](const OptionInfo& each) { return each.name == option.name; }), known);
    }
  }
  words("--skip", step_names());
  words("step", step_names());
  compgen("rollback", "-d");
  compgen(pattern(is_file), "-f");
  compgen(pattern([](const OptionInfo& each) { return each.argument == "DIR"; }), "-d");
  text += fmt::format(
      "    {}) return ;;\n  esac\n  case $command in\n", pattern([](const OptionInfo& each) {
        return !each.argument.empty() && !is_file(each) && choices(each).empty() &&
               each.argument != "DIR" && each.name != "skip" && each.name != "cluster";
      }));
  for (const auto& command : all_commands()) {
    std::vector<std::string> names;
    for (const auto& option : all_options()) {
      if (applies_to(option, command.command)) names.push_back(fmt::format("--{}", option.name));
    }
    text += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\") ;;\n",
                        command.name, joined(names, " "));
  }
  text += fmt::format(
      "    *) mapfile -t COMPREPLY < <(compgen -W '{} help --help --version' -- "
      "\"$cur\") ;;\n  esac\n}}\ncomplete -F _retrust retrust kubectl-retrust\n",
      joined(command_names(), " "));
  return text;
}

std::string fish() {
  std::string text = R"(# Completion of retrust for fish; made from its tables.
function __retrust_clusters
    set -l words (commandline -opc)
    set -l args
    for i in (seq (count $words))
        switch $words[$i]
            case --local-kubeconfig --local-context --kubectl
                set -l next (math $i + 1)
                set -q words[$next]; and set -a args $words[$i] (string replace -r '^~/' "$HOME/" -- $words[$next])
            case '--local-kubeconfig=*' '--local-context=*' '--kubectl=*'
                set -a args $words[$i]
        end
    end
    retrust complete-clusters $args 2>/dev/null </dev/null
end
)";
  const auto commands = joined(command_names(), " ");
  for (const auto& command : all_commands()) {
    text +=
        fmt::format("complete -c retrust -f -n 'not __fish_seen_subcommand_from {}' -a {} -d {}\n",
                    commands, command.name, in_quotes(command.help));
  }
  for (const auto& info : all_steps()) {
    text +=
        fmt::format("complete -c retrust -f -n '__fish_seen_subcommand_from step' -a {} -d {}\n",
                    info.name, in_quotes(info.title));
  }
  text +=
      "complete -c retrust -f -n '__fish_seen_subcommand_from rollback' -a "
      "'(__fish_complete_directories)'\n";
  for (const auto& option : all_options()) {
    auto line = fmt::format("complete -c retrust -l {}", option.name);
    if (!option.letter.empty()) line += fmt::format(" -s {}", option.letter);
    if (!option.commands.empty()) {
      std::vector<std::string> takers;
      for (const auto& info : all_commands()) {
        if (applies_to(option, info.command)) takers.emplace_back(info.name);
      }
      line += fmt::format(" -n '__fish_seen_subcommand_from {}'", joined(takers, " "));
    }
    if (option.name == "cluster") {
      line += " -x -a '(__retrust_clusters)'";
    } else if (option.name == "skip") {
      line += fmt::format(" -x -a '{}'", joined(step_names(), " "));
    } else if (const auto known = choices(option); !known.empty()) {
      line += fmt::format(" -x -a '{}'", joined(known, " "));
    } else if (is_file(option)) {
      line += " -r -F";
    } else if (option.argument == "DIR") {
      line += " -x -a '(__fish_complete_directories)'";
    } else if (!option.argument.empty()) {
      line += " -x";
    }
    text += fmt::format("{} -d {}\n", line, in_quotes(option.help));
  }
  return text;
}

/// For a text in [...] of zsh's _arguments.
std::string bracketed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh() {
  std::string text = R"(#compdef retrust kubectl-retrust
# Completion of retrust for zsh; made from its tables.
_retrust_clusters() {
  local -a args ids names
  local i id name
  for ((i = 2; i < CURRENT; i++)); do
    case ${words[i]} in
      --local-kubeconfig | --local-context | --kubectl)
        args+=(${words[i]} ${${(Q)words[i+1]}/#\~\//$HOME/}) ;;
      --local-kubeconfig=* | --local-context=* | --kubectl=*) args+=(${(Q)words[i]}) ;;
    esac
  done
  while IFS=$'\t' read -r id name; do
    ids+=("$id") names+=("$id  $name")
  done < <(retrust complete-clusters $args 2>/dev/null </dev/null)
  compadd -l -d names -a ids
}

_retrust() {
  local command=${words[(r)()";
  text += joined(command_names(), "|") + ")]}\n  local -a options\n";
  text += "  case $command in\n";
  for (const auto& command : all_commands()) {
    text += fmt::format("    {})\n      options=(\n", command.name);
    for (const auto& option : all_options()) {
      if (!applies_to(option, command.command)) continue;
      std::string action;
      if (option.name == "cluster") {
        action = ":cluster:_retrust_clusters";
      } else if (option.name == "skip") {
        action = fmt::format(":step:({})", joined(step_names(), " "));
      } else if (const auto known = choices(option); !known.empty()) {
        action = fmt::format(":word:({})", joined(known, " "));
      } else if (is_file(option)) {
        action = ":file:_files";
      } else if (option.argument == "DIR") {
        action = ":folder:_files -/";
      } else if (!option.argument.empty()) {
        action = ":value: ";
      }
      const auto equals = option.argument.empty() ? "" : "=";
      text += "        " +
              in_quotes(fmt::format("--{}{}[{}]{}", option.name, equals, bracketed(option.help),
                                    action)) +
              "\n";
    }
    text += "      )\n      ;;\n";
  }
  text += "    *) options=('--help[print help]' '--version[print the version]') ;;\n  esac\n";
  text += fmt::format(
      "  local rest=':more: '\n  case $command in\n    step) rest=':step:({})' ;;\n"
      "    rollback) rest=':folder:_files -/' ;;\n  esac\n"
      "  _arguments -S $options ':command:({})' $rest\n}}\n\n_retrust \"$@\"\n",
      joined(step_names(), " "), joined(command_names(), " "));
  return text;
}

}  // namespace

std::string completion(std::string_view shell) {
  if (shell == "bash") return bash();
  return shell == "zsh" ? zsh() : fish();
}

}  // namespace retrust::documents
