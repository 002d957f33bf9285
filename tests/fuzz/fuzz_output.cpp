// What children print: lines that come in pieces, words of kubectl, and how much of all that a
// transcript takes.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "base/lines.h"
#include "base/text.h"
#include "fuzz/checks.h"
#include "fuzz/events.h"
#include "fuzz/target.h"
#include "tools/kubectl_words.h"
#include "transcript/volume.h"
#include "transcript/writers.h"

namespace retrust::fuzz {
namespace {

constexpr std::string_view blanks = " \t";

std::vector<std::string> fed_in_pieces(std::string_view text) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  in_pieces(text, [&](std::string_view piece) { splitter.feed(piece); });
  splitter.finish();
  return lines;
}

/// A line as the splitter gives it.
void check_line(std::string_view given, std::string_view whole) {
  require(given.find('\n') == std::string_view::npos, "a line has no end in it");
  require(given.size() <= longest_line + cut_mark.size(), "a line is bounded");
  if (whole.size() <= longest_line) {
    require(given == whole, "a line that fits stays as it is");
    return;
  }
  require(given.ends_with(cut_mark), "a cut line says so");
  const auto kept = given.substr(0, given.size() - cut_mark.size());
  require(whole.starts_with(kept) &&
              (kept.empty() || blanks.find(whole[kept.size()]) != std::string_view::npos),
          "a cut line is whole words of the line");
}

/// Several lines of which each is longer than any that is kept.
std::string prolonged(std::string_view input) {
  std::string text;
  for (auto& line : split_lines(input)) {
    if (line.empty() || text.size() > 2 * longest_line) continue;
    while (line.size() <= longest_line + 1) line += line;
    text += line + "\n";
  }
  return text;
}

void check_lines(std::string_view text) {
  const auto whole = split_lines(text);
  const auto given = fed_in_pieces(text);
  require(given.size() == whole.size(), "every line is given once");
  for (std::size_t i = 0; i < given.size(); ++i) check_line(given[i], whole[i]);
  std::vector<std::string> at_once;
  for_each_line(text, [&](std::string_view line) { at_once.emplace_back(line); });
  require(at_once == given, "lines do not depend on the pieces that they come in");
}

/// The transcript of a run in which these events come again and again.
void check_volume(const std::vector<Event>& events) {
  constexpr std::size_t most_bytes = 1024UL * 1024;
  constexpr std::size_t most_rounds = 40;
  Volume volume;
  std::size_t written = 0;
  std::size_t offered = 0;
  for (std::size_t round = 0; round < most_rounds && offered < 2 * most_bytes; ++round) {
    for (const auto& event : events) {
      offered += 4 * event.text.size();  // its text, and the same three times in its data
      for (const auto& passed : volume.admitted(event)) {
        require(is_utf8(passed.text), "a shortened text is whole characters");
        if (!is_momentary(passed)) written += json_line(passed).size();
      }
    }
  }
  require(written <= most_bytes, "a transcript is smaller than 1 MiB");
}

}  // namespace

void lines(std::string_view input) {
  check_lines(input);
  check_lines(prolonged(input));
  const auto first = first_line(input);
  require(input.starts_with(first) && first.size() <= longest_line &&
              first.find('\n') == std::string_view::npos,
          "the first line is the beginning");
  const auto last = last_line(input);
  require(input.find(last) != std::string_view::npos && last.size() <= longest_line &&
              last.find('\n') == std::string_view::npos,
          "the last line is in the text");
  const auto number = whole_number(first);
  require(!number || first.find_first_not_of("0123456789") == std::string_view::npos,
          "a whole number is digits");
}

void kubectl_output(std::string_view input) {
  const auto words = kubectl_words(input);
  const auto given = split_lines(input);
  const auto known = split_lines(words.known);
  const auto others = split_lines(words.others);
  require(others.size() == words.withheld, "every other line is counted");
  for (const auto& line : others) {
    require(std::find(given.begin(), given.end(), line) != given.end(), "no line is made up");
  }
  for (const auto& line : known) {
    // What it quotes of a kubeconfig is cut off.
    const std::string_view cut = "…";
    const auto begins =
        std::string_view(line).substr(0, line.size() - (line.ends_with(cut) ? cut.size() : 0));
    require(std::any_of(given.begin(), given.end(),
                        [&](const std::string& whole) { return whole.starts_with(begins); }),
            "no line is made up");
  }
  require(known.size() + others.size() <= given.size(), "a line is of one kind");
  require(kubectl_words(words.others).known.empty(), "another line stays another");
  const auto whole = whole_words(input);
  require(input.starts_with(whole) &&
              input.substr(whole.size()).find_first_of(" \t\r\n") == std::string_view::npos &&
              (whole.empty() ||
               std::string_view(" \t\r\n").find(whole.back()) != std::string_view::npos),
          "one word is cut off");
}

/// Every line is an event: its first byte is the kind, the rest its text and data. What is always
/// told is left out: a run does not do that often.
void volume(std::string_view input) {
  std::vector<Event> events;
  for (const auto& line : split_lines(input)) {
    if (line.empty() || events.size() == 8) continue;
    auto said = printable(std::string_view(line).substr(1));
    while (!said.empty() && said.size() < most_text) said += said;
    auto event = event_of(line, said);
    if (!event.is<Change, FailureTold, RunEnded>()) events.push_back(std::move(event));
  }
  check_volume(events);
}

}  // namespace retrust::fuzz
