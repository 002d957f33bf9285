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

/// What a shell does about it, numbered as kubectl and other programs made with cobra do.
enum class Directive {
  files = 0,
  words = 4,             ///< the candidates and nothing else
  unfinished_words = 6,  ///< the same, and no space after the one that was chosen
  folders = 16,
};

struct Completion {
  std::vector<Candidate> candidates = {};
  Directive directive = Directive::words;
  /// Where clusters may stand, what there is of one: they have to be asked for.
  std::optional<std::string> cluster = {};
};

/// What may stand in the place of the last word, which may be empty: words of a command line after
/// the program's name. Of `--option=value` and of a list the candidates are whole values. A line
/// that is wrong, or not whole yet, is as good as any other.
Completion complete_words(const std::vector<std::string>& words);

/// Options with their values as far as the words before the last one give them, by name.
std::map<std::string, std::string> values_before_last(const std::vector<std::string>& words);

/// Clusters whose ID or display name begins so, of lines "ID<TAB>NAME" that a cluster answered.
std::vector<Candidate> clusters_that_begin(std::string_view begin, std::string_view answer);

/// Whether a shell takes the text for one word, and for itself, without any quotes.
bool is_plain(std::string_view text);

/// A line "WORD<TAB>MEANING" for each, or the word alone, and a last one ":DIRECTIVE".
std::string completion_text(const Completion& completion);

}  // namespace retrust
