#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// A word that may stand next on a command line.
struct Candidate {
  std::string word;
  std::string meaning;
};

/// Instruction for the shell, with the numbers of kubectl and other programs made with cobra.
enum class Directive {
  files = 0,
  words = 4,             ///< the candidates and nothing else
  unfinished_words = 6,  ///< the same, and no space after the one that was chosen
  folders = 16,
};

struct Completion {
  std::vector<Candidate> candidates = {};
  Directive directive = Directive::words;
  /// Beginning of a cluster's name, if clusters complete this word: the caller asks for them.
  std::optional<std::string> cluster = {};
};

/// Completes the last word, which may be empty: words of a command line after
/// the program's name. Of `--option=value` and of a list the candidates are whole values. A line
/// that is wrong, or not whole yet, is as good as any other.
Completion complete_words(const std::vector<std::string>& words);

/// Values of the options in all words but the last, by name.
std::map<std::string, std::string> values_before_last(const std::vector<std::string>& words);

/// Clusters whose ID or display name begins so, of lines "ID<TAB>NAME" that a cluster answered.
std::vector<Candidate> clusters_that_begin(std::string_view begin, std::string_view answer);

/// Whether a shell takes the text for one word, and for itself, without any quotes.
bool is_plain(std::string_view text);

/// The script that makes bash, zsh or fish complete the command lines of retrust.
std::string_view completion_script(std::string_view shell);

/// A line "WORD<TAB>MEANING" for each, or the word alone, and a last one ":DIRECTIVE".
std::string completion_text(const Completion& completion);

}  // namespace retrust
