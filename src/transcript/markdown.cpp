#include "transcript/markdown.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "base/width.h"

namespace retrust {
namespace {

/// Limit of a column's fixed width, in columns of a terminal: a longer cell moves its own row
/// alone.
constexpr std::size_t widest_column = 60;

std::size_t longest_run(std::string_view text, char wanted) {
  std::size_t longest = 0;
  std::size_t current = 0;
  for (const char c : text) {
    current = c == wanted ? current + 1 : 0;
    longest = std::max(longest, current);
  }
  return longest;
}

/// A code span that its content cannot end. Ticket systems look for mentions, references and links
/// in rendered text, so a backslash does not stop them. They leave code alone.
std::string code_span(std::string_view text) {
  const std::string fence(longest_run(text, '`') + 1, '`');
  const std::string_view space = text.starts_with('`') || text.ends_with('`') ? " " : "";
  return fmt::format("{}{}{}{}{}", fence, space, text, space, fence);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
/// True for letters, also of other scripts.
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}
bool is_alnum(char c) {
  return is_digit(c) || is_letter(c);
}

bool is_www(std::string_view piece) {
  return piece.size() == 3 &&
         std::all_of(piece.begin(), piece.end(), [](char c) { return c == 'w' || c == 'W'; });
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_digit);
}

/// True for references that ticket systems link: a commit ("1a2b3c4"), or a word before a hyphen
/// that names a tracker ("AB-12", "gh-12", "GHSA-jfh8-c2jp-5v3q").
bool is_reference(std::string_view piece, std::string_view behind) {
  const auto is_hex = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (piece.size() >= 7 && piece.size() <= 64 && std::all_of(piece.begin(), piece.end(), is_hex)) {
    return true;
  }
  if (behind.size() < 2 || behind[0] != '-' || (piece == "SHA" && behind == "-256")) return false;
  const auto is_upper_or_digit = [](char c) { return is_upper(c) || is_digit(c); };
  const auto upper =
      is_upper(piece.front()) && std::all_of(piece.begin(), piece.end(), is_upper_or_digit);
  return upper ||
         (std::none_of(piece.begin(), piece.end(), is_digit) && all_digits(behind.substr(1)));
}

/// True if the word has a character that some readers take for `.`, `@` or `#`.
bool has_alias(std::string_view word) {
  constexpr std::array<std::string_view, 5> aliases{"。", "．", "｡", "＠", "＃"};
  return std::any_of(aliases.begin(), aliases.end(), [&](std::string_view alias) {
    return word.find(alias) != std::string_view::npos;
  });
}

/// True if no reader sees more than a word: letters and digits, with single `-`, `_`, `/`, `+`, `=`
/// and apostrophes between them, `.` before digits, and colons between digits. A `.` before a
/// letter may make a domain.
bool is_plain(std::string_view word) {
  if (has_alias(word)) return false;
  for (std::size_t i = 0; i < word.size();) {
    const auto begin = i;
    while (i < word.size() && is_alnum(word[i])) ++i;
    const auto piece = word.substr(begin, i - begin);
    if (piece.empty() || is_www(piece) || is_reference(piece, word.substr(i))) {
      return false;
    }
    if (i == word.size()) return true;
    if (i + 1 == word.size()) return false;
    const auto joins = std::string_view("-_/+='").find(word[i]) != std::string_view::npos;
    const auto in_version = word[i] == '.' && is_digit(word[i + 1]);
    const auto in_time = word[i] == ':' && is_digit(word[i - 1]) && is_digit(word[i + 1]);
    if (!joins && !in_version && !in_time) return false;
    ++i;
  }
  return false;
}

/// Punctuation before or behind a word that belongs to the sentence.
constexpr std::string_view opening = "(\"'";
constexpr std::string_view closing = ".,;:)\"'?";

struct Word {
  std::string_view before;
  std::string_view core;
  std::string_view after;
};

Word taken_apart(std::string_view word) {
  const auto first = std::min(word.find_first_not_of(opening), word.size());
  auto last = word.size();
  while (last > first && closing.find(word[last - 1]) != std::string_view::npos) --last;
  return {word.substr(0, first), word.substr(first, last - first), word.substr(last)};
}

/// True for a word that begins a block at the beginning of a line: "1." a list, "h1." a heading,
/// "bq." a quotation.
bool begins_block(const Word& word) {
  const auto& core = word.core;
  if (!word.after.starts_with('.') && !word.after.starts_with(')')) return false;
  return all_digits(core) || core == "bq" ||
         (core.size() == 2 && core[0] == 'h' && is_digit(core[1]));
}

std::string words_text(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      result += ' ';
      ++at;
      continue;
    }
    const auto end = std::min(text.find(' ', at), text.size());
    const auto whole = text.substr(at, end - at);
    const auto word = taken_apart(whole);
    if (word.core.empty() || (at == 0 && begins_block(word))) {
      result += code_span(whole);
    } else {
      const auto core = is_plain(word.core) ? std::string(word.core) : code_span(word.core);
      result += fmt::format("{}{}{}", word.before, core, word.after);
    }
    at = end;
  }
  return result;
}

/// True for an object's name or an option, which our own sentences hold.
bool is_name_or_option(std::string_view word) {
  const auto name = word.starts_with("--") ? word.substr(2) : word;
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '-' || is_digit(c) || (c >= 'a' && c <= 'z');
  });
}

/// True if a word shows that a cluster or a program wrote the text.
bool is_external(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    const auto core = taken_apart(text.substr(at, end - at)).core;
    if (!core.empty() && !is_plain(core) && !is_name_or_option(core)) return true;
    at = end + 1;
  }
  return false;
}

/// Text of our own words, and of the words of a cluster or a program behind a colon. The latter
/// become one code span, because no part of them is a sentence of ours.
std::string quoting_text(std::string_view text) {
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos || !is_external(text.substr(colon + 2))) {
    return words_text(text);
  }
  const auto ours = text.substr(0, colon + 2);
  const auto theirs = text.substr(colon + 2);
  const auto size = theirs.find_last_not_of(" .,;:") + 1;
  return words_text(ours) + code_span(theirs.substr(0, size)) + std::string(theirs.substr(size));
}

std::string in_a_line(std::string_view text) {
  std::string line(text);
  while (line.ends_with('\n')) line.pop_back();
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

}  // namespace

std::string fenced(std::string_view content, std::string_view language) {
  const auto longest = longest_run(content, '`');
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  std::string block = fence + std::string(language) + "\n" + std::string(content);
  if (!block.ends_with('\n')) block += '\n';
  return block + fence + "\n";
}

std::string inline_text(std::string_view text) {
  return quoting_text(in_a_line(text));
}

std::string advice_text(const Advice& advice) {
  auto words = inline_text(advice.sentence);
  if (advice.command.empty()) return words;
  return fmt::format("{}: {}", words, code_span(in_a_line(advice.command)));
}

std::string cell_text(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') {
      cell += "¦";
    } else {
      cell += c;
    }
  }
  return inline_text(cell);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  const auto last = rows.front().size() - 1;
  std::vector<std::size_t> widths(last + 1, 3);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < last; ++i) {
      widths[i] = std::max(widths[i], std::min(width_of(row[i]), widest_column));
    }
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < last; ++i) {
      const auto width = std::min(width_of(rows[r][i]), widths[i]);
      text += fmt::format("| {}{} ", rows[r][i], std::string(widths[i] - width, ' '));
    }
    text += fmt::format("| {}{}|\n", rows[r][last], rows[r][last].empty() ? "" : " ");
    if (r > 0) continue;
    for (const auto width : widths) text += fmt::format("|{}", std::string(width + 2, '-'));
    text += "|\n";
  }
  return text;
}

}  // namespace retrust
