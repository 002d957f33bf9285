#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/lines.h"
#include "base/redactor.h"
#include "base/shortened.h"
#include "base/text.h"
#include "base/width.h"
#include "credentials/compare.h"
#include "credentials/secret.h"
#include "fuzz/checks.h"
#include "fuzz/events.h"
#include "fuzz/target.h"
#include "transcript/document.h"
#include "transcript/event.h"
#include "transcript/markdown.h"

namespace retrust::fuzz {
namespace {

/// The word of `$'a\x0ab'`, whose quote `at` is; `at` is its end then.
std::string quoted_bytes(std::string_view line, std::size_t& at) {
  std::string word;
  for (++at; at < line.size() && line[at] != '\''; ++at) {
    const auto byte = static_cast<unsigned char>(line[at]);
    require(byte >= 0x20 && byte < 0x7f, "a quoted word is printable");
    if (line[at] != '\\') {
      word += line[at];
      continue;
    }
    require(line.substr(at, 2) == "\\x" && at + 3 < line.size(), "bytes are hexadecimal");
    word += static_cast<char>(std::stoi(std::string(line.substr(at + 2, 2)), nullptr, 16));
    at += 3;
  }
  return word;
}

/// A line as bash splits it that has nothing but words and quotes.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  auto inside = false;
  auto quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (!quoted && c == ' ') {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (!quoted && line.substr(i, 2) == "$'") {
      words.back() += quoted_bytes(line, ++i);
    } else if (c == '\'') {
      quoted = !quoted;
    } else if (c == '\\' && !quoted) {
      words.back() += line[++i];
    } else {
      require(
          quoted || std::string_view("$`\"&|;<>()*?[]#~!\n\t").find(c) == std::string_view::npos,
          "a shell expands nothing");
      words.back() += c;
    }
  }
  return words;
}

/// Backquotes of the fence that a line opens or closes; 0 where it is none (CommonMark 4.5).
std::size_t fence_of(std::string_view line) {
  const auto indent = line.find_first_not_of(' ');
  if (indent == std::string_view::npos || indent > 3) return 0;
  line.remove_prefix(indent);
  const auto size = std::min(line.find_first_not_of('`'), line.size());
  return size >= 3 && line.find('`', size) == std::string_view::npos ? size : 0;
}

bool closes(std::string_view line, std::size_t fence) {
  return fence_of(line) >= fence && line.find_first_not_of("` \t") == std::string_view::npos;
}

/// The lines of a document that are in no fenced block.
std::vector<std::string> outside_fences(std::string_view document) {
  std::vector<std::string> outside;
  std::size_t fence = 0;
  for (auto& line : split_lines(document)) {
    if (fence > 0) {
      if (closes(line, fence)) fence = 0;
    } else if (fence = fence_of(line); fence == 0) {
      outside.push_back(std::move(line));
    }
  }
  require(fence == 0, "every fenced block ends");
  return outside;
}

/// A text after a unified diff of it was applied, as patch(1) does.
std::vector<std::string> patched(const std::vector<std::string>& before, const std::string& diff) {
  std::vector<std::string> after;
  std::size_t next = 0;
  auto lines = split_lines(diff);
  lines.erase(lines.begin(), lines.begin() + std::min<std::ptrdiff_t>(2, std::ssize(lines)));
  for (const auto& line : lines) {
    if (line.starts_with("@@ -")) {
      const auto number = std::stoul(line.substr(4));
      const auto empty = line.substr(4, line.find(' ', 4) - 4).ends_with(",0");
      while (next + (empty ? 0 : 1) < number) after.push_back(before.at(next++));
    } else if (line.starts_with('+')) {
      after.push_back(line.substr(1));
    } else {
      require(before.at(next) == line.substr(1), "a diff's context stands in the text");
      if (line.starts_with(' ')) after.push_back(line.substr(1));
      ++next;
    }
  }
  while (next < before.size()) after.push_back(before.at(next++));
  return after;
}

class Kept final : public EventSink {
 public:
  void emit(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

}  // namespace

void text(std::string_view input) {
  const auto clean = printable(input);
  require(is_printable(clean), "printable text is UTF-8 without control characters");
  require(printable(clean) == clean, "printable text stays as it is");
  const auto line = one_line(input);
  require(is_one_line(line), "one line is one line");
  require(one_line(line) == line, "one line stays as it is");

  const auto lines = split_lines(input);
  require(lines.empty() || split_lines(joined(lines) + "\n") == lines,
          "joined lines are split again");
  for (const auto& each : lines) {
    require(each.find('\n') == std::string::npos, "a line has no end in it");
    for (std::size_t number = 0; number < 4; ++number) {
      require(column(each, number).find_first_of(" \t") == std::string_view::npos,
              "a column is one word");
    }
  }
  require(shell_words(shell_line(lines)) == lines, "a shell splits a line into its words again");

  constexpr std::size_t columns = 20;
  const auto fits = fitting(clean, columns);
  require(clean.starts_with(fits) && width_of(fits) <= columns && is_utf8(fits),
          "the part of a text that fits is whole characters");
  constexpr std::size_t limit = 60;
  const auto less = shortened(clean, limit);
  require(is_printable(less) && less.size() <= limit + 60, "a shortened text is short text");
}

/// What is left of a line without its code spans: a run of back quotes is ended by the next one of
/// the same length (CommonMark 0.30, 6.1).
std::string outside_spans(std::string_view line) {
  const auto run_at = [&](std::size_t at) {
    return std::min(line.find_first_not_of('`', at), line.size()) - at;
  };
  std::string rest;
  for (std::size_t at = 0; at < line.size();) {
    const auto run = run_at(at);
    if (run == 0) {
      rest += line[at++];
      continue;
    }
    auto end = line.find('`', at + run);
    while (end != std::string_view::npos && run_at(end) != run) {
      end = line.find('`', end + run_at(end));
    }
    if (end == std::string_view::npos) return rest + std::string(line.substr(at));
    at = end + run;
  }
  return rest;
}

void markdown(std::string_view input) {
  const auto clean = printable(input);
  const auto outside = outside_fences("before\n" + fenced(clean, "") + "after\n");
  require(outside == std::vector<std::string>{"before", "after"},
          "a fenced block is not ended by its content");
  const auto line = inline_text(clean);
  require(is_one_line(line), "text within a line is one line");
  const auto words = outside_spans(line);
  require(words.find_first_of("`*<>[]#|{}@~^\\") == std::string::npos &&
              words.find("://") == std::string::npos,
          "text within a line is no markup");
  const std::vector<std::vector<std::string>> rows{{"a", "b"}, {line, line}, {"", line}};
  require(split_lines(table(rows)).size() == rows.size() + 1, "a row is a line");
}

/// Every line is an event: its first byte is the kind, the rest its text and data.
void transcript(std::string_view input) {
  Redactor redactor;
  redactor.add("a-secret-of-the-cluster", "‹secret›");
  Events events(redactor);
  const auto kept = std::make_shared<Kept>();
  events.add(kept);
  for (const auto& line : split_lines(input)) {
    if (line.empty()) continue;
    events.emit(event_of(line, line.substr(1)));
  }
  const auto whole = document(kept->events);
  require(is_printable(whole), "a transcript is printable");
  require(whole.find("a-secret-of-the-cluster") == std::string::npos, "a transcript has no secret");
  const auto outside = outside_fences(whole);
  const auto titles = std::count_if(outside.begin(), outside.end(),
                                    [](const std::string& line) { return line.starts_with("# "); });
  require(titles == (kept->events.empty() ? 0 : 1), "a transcript has one title");
}

void difference(std::string_view input) {
  const auto [first, second] = halves(input, "\n\n");
  const auto before = split_lines(first);
  const auto after = split_lines(second);
  const auto diff = unified_diff(before, after, "stored", "live");
  require(diff.empty() == (before == after), "a diff is empty where the texts are equal");
  require(patched(before, diff) == after, "a diff makes the one text into the other");
  // Rendered credentials are compared line by line.
  Redactor redactor;
  const Credentials credentials{Secret(redactor, Secret::Kind::account, first),
                                std::string(second)};
  for (const auto& line : render(credentials)) {
    require(is_one_line(line), "a line of a view is one line");
  }
}

}  // namespace retrust::fuzz
