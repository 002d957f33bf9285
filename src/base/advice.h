#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/text.h"

namespace retrust {

/// What to do next: a sentence, and the command for that, which is to be copied in one piece.
struct Advice {
  Advice() = default;
  Advice(std::string in_words) : sentence(std::move(in_words)) {}
  Advice(const char* in_words) : sentence(in_words) {}
  Advice(std::string in_words, std::string to_paste)
      : sentence(std::move(in_words)), command(std::move(to_paste)) {}

  /// Advice to run retrust itself; whoever shows it adds the options that reach the same clusters.
  static Advice retrust(std::string in_words, std::string command, std::string argument = {}) {
    Advice advice(std::move(in_words));
    advice.own.push_back(std::move(command));
    if (!argument.empty()) advice.own.push_back(std::move(argument));
    advice.command = shell_line({"retrust"}, advice.own);
    return advice;
  }

  bool empty() const { return sentence.empty() && command.empty(); }
  /// In one line.
  std::string text() const { return command.empty() ? sentence : sentence + ": " + command; }

  std::string sentence;
  std::string command;
  /// The words of a command of retrust itself, e.g. "step" and "2.1".
  std::vector<std::string> own;
};

}  // namespace retrust
