#include "cli/completion.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/display_text.h"
#include "base/text.h"
#include "cli/options.h"

namespace retrust {
namespace {

/// The words before the one that is completed.
struct Before {
  std::set<std::string_view> given = {};           ///< names of options
  std::map<std::string, std::string> values = {};  ///< of options, the first of each
  std::vector<std::string> others = {};            ///< the command, and what is given to it
  const OptionInfo* open = nullptr;                ///< takes the word that is completed
  bool options_ended = false;                      ///< by "--"
};

const OptionInfo* option_of_letter(char letter) {
  for (const auto& info : all_options()) {
    if (info.letter == std::string_view(&letter, 1)) return &info;
  }
  return nullptr;
}

/// Takes words as the parser of options does, but that nothing is wrong.
Before read_before(const std::vector<std::string>& words) {
  Before before;
  const auto give = [&](const OptionInfo& info, std::optional<std::string> value) {
    before.given.insert(info.name);
    if (info.argument.empty()) return;
    if (value) {
      before.values.emplace(info.name, std::move(*value));
    } else {
      before.open = &info;
    }
  };
  const auto give_letters = [&](std::string_view letters) {
    for (std::size_t at = 0; at < letters.size(); ++at) {
      const auto* info = option_of_letter(letters[at]);
      if (info == nullptr) return;
      const auto rest = letters.substr(at + 1);
      const auto valued = !info->argument.empty();
      give(*info, valued && !rest.empty() ? std::optional<std::string>(rest) : std::nullopt);
      if (valued) return;
    }
  };
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto& word = words[i];
    const auto* open = std::exchange(before.open, nullptr);
    const auto equals = word.find('=');
    const auto dashed = !before.options_ended && word.starts_with("-");
    const auto* named =
        dashed && word.starts_with("--") ? find_option(word.substr(2, equals - 2)) : nullptr;
    if (named != nullptr) {
      // Where a value was to come it was forgotten.
      give(*named, equals == std::string::npos
                       ? std::nullopt
                       : std::optional<std::string>(word.substr(equals + 1)));
    } else if (open != nullptr) {
      before.values.emplace(open->name, word);
    } else if (dashed && word == "--") {
      before.options_ended = true;
    } else if (dashed && word.size() > 1) {
      if (word[1] != '-') give_letters(std::string_view(word).substr(1));
    } else {
      before.others.push_back(word);
    }
  }
  return before;
}

void offer(Completion& completion, std::string_view begin, std::string word,
           std::string_view meaning) {
  if (!word.starts_with(begin)) return;
  completion.candidates.push_back({std::move(word), std::string(meaning)});
}

void offer_commands(Completion& completion, std::string_view begin) {
  for (const auto& info : all_commands()) {
    offer(completion, begin, std::string(info.name), info.help);
  }
}

void offer_options(Completion& completion, std::string_view begin, const Before& before,
                   const CommandInfo* command) {
  for (const auto& info : all_options()) {
    if (info.occurrence == Occurrence::once && before.given.contains(info.name)) continue;
    if (command != nullptr && !applies_to(info, command->command)) continue;
    if (!info.letter.empty() && !begin.empty()) {
      offer(completion, begin, fmt::format("-{}", info.letter), info.help);
    }
    offer(completion, begin, fmt::format("--{}", info.name), info.help);
  }
}

/// The steps that fit, by name, then by number.
template <typename Fits>
void offer_steps(Completion& completion, std::string_view begin, std::string_view before,
                 Fits fits) {
  for (const auto& info : all_steps()) {
    if (!fits(info)) continue;
    offer(completion, begin, fmt::format("{}{}", before, info.name),
          fmt::format("{}: {}", info.section, info.title));
  }
  for (const auto& info : all_steps()) {
    if (!fits(info) || find_step(info.section) != info.step) continue;
    offer(completion, begin, fmt::format("{}{}", before, info.section),
          fmt::format("{}: {}", info.name, info.title));
  }
}

/// A list of steps, with the steps that it has already.
void offer_step_list(Completion& completion, std::string_view begin) {
  const auto comma = begin.rfind(',');
  const auto before = comma == std::string_view::npos ? "" : begin.substr(0, comma + 1);
  const auto listed = [&](std::string_view word) {
    return fmt::format(",{}", before).find(fmt::format(",{},", word)) != std::string::npos;
  };
  offer_steps(completion, begin, before, [&](const StepInfo& info) {
    return info.effect != StepInfo::Effect::saves && !listed(info.name) && !listed(info.section);
  });
  completion.directive = Directive::unfinished_words;
}

void offer_values(Completion& completion, const OptionInfo& info, std::string_view begin,
                  const CommandInfo* command) {
  const auto given = command == nullptr ? std::nullopt : std::optional(command->command);
  for (const auto word : choices_of(info, given)) {
    offer(completion, begin, std::string(word), "");
  }
  if (info.argument == "N,...") offer_step_list(completion, begin);
  if (info.argument == "ID|NAME") completion.cluster = begin;
  if (info.argument == "FILE" || info.argument == "PATH") completion.directive = Directive::files;
  if (info.argument == "DIR") completion.directive = Directive::folders;
}

/// What is given to a command, by what its line in the table calls it.
Completion complete_argument(const CommandInfo& command, const std::string& begin) {
  Completion completion;
  if (command.arguments == "N") {
    offer_steps(completion, begin, "", [](const StepInfo&) { return true; });
  }
  if (command.arguments == "DIR") completion.directive = Directive::folders;
  if (command.arguments == "[COMMAND]") offer_commands(completion, begin);
  if (command.arguments == "SHELL") {
    for (const auto* shell : {"bash", "zsh", "fish"}) offer(completion, begin, shell, "");
  }
  return completion;
}

}  // namespace

Completion complete_words(const std::vector<std::string>& words) {
  Completion completion;
  const auto before = read_before(words);
  const auto last = words.empty() ? std::string() : words.back();
  const auto optional = !before.options_ended;
  const auto& others = before.others;
  const auto* command = others.empty() ? nullptr : find_command(others.front());
  if (before.given.contains("help") || before.given.contains("version")) return completion;
  if (before.open != nullptr && !last.starts_with("--")) {
    offer_values(completion, *before.open, last, command);
    return completion;
  }
  const auto equals = last.find('=');
  if (optional && last.starts_with("--") && equals != std::string::npos) {
    const auto* info = find_option(std::string_view(last).substr(2, equals - 2));
    if (info != nullptr) offer_values(completion, *info, last.substr(equals + 1), command);
    return completion;
  }
  if (optional && last.starts_with("-")) {
    offer_options(completion, last, before, command);
    return completion;
  }
  if (others.empty()) {
    offer_commands(completion, last);
    return completion;
  }
  if (command != nullptr && others.size() == 1 && !command->arguments.empty()) {
    return complete_argument(*command, last);
  }
  if (optional && last.empty()) offer_options(completion, last, before, command);
  return completion;
}

std::map<std::string, std::string> values_before_last(const std::vector<std::string>& words) {
  return read_before(words).values;
}

std::vector<Candidate> clusters_that_begin(std::string_view begin, std::string_view answer) {
  Completion completion;
  const auto is_id = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") ==
                                std::string_view::npos;
  };
  const auto lines = split_lines(answer);
  const auto each = [&](const auto& take) {
    for (const auto& line : lines) {
      const auto tab = line.find('\t');
      const auto id = line.substr(0, tab);
      if (is_id(id)) take(id, tab == std::string::npos ? std::string() : line.substr(tab + 1));
    }
  };
  each([&](const std::string& id, const std::string& name) {
    offer(completion, begin, id, DisplayText(name));
  });
  each([&](const std::string& id, const std::string& name) {
    // What cannot be shown as it is cannot be typed either.
    if (!name.empty() && name != id && DisplayText(name) == name) {
      offer(completion, begin, name, id);
    }
  });
  return completion.candidates;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.,:/@%+").find(c) != std::string_view::npos;
  });
}

std::string completion_text(const Completion& completion) {
  std::string text;
  for (const auto& candidate : completion.candidates) {
    text += one_line(candidate.word);
    if (!candidate.meaning.empty()) text += fmt::format("\t{}", one_line(candidate.meaning));
    text += '\n';
  }
  return text + fmt::format(":{}\n", static_cast<int>(completion.directive));
}

}  // namespace retrust
