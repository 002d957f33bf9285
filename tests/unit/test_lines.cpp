// Lines and columns of what a child prints.
#include <string>
#include <sys/resource.h>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/lines.h"
#include "tools/k3s.h"
#include "tools/rke.h"

namespace retrust {
namespace {

std::vector<std::string> split(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  for (const auto& piece : pieces) splitter.feed(piece);
  splitter.finish();
  return lines;
}

TEST_CASE("lines come whole, however the text comes") {
  using Lines = std::vector<std::string>;
  CHECK(split({}).empty());
  CHECK(split({"a\n\nb"}) == Lines{"a", "", "b"});
  CHECK(split({"a", "b\nc", "", "d\n"}) == Lines{"ab", "cd"});
}

TEST_CASE("a line that is too long is cut after a whole word, and marked") {
  const std::string longest(longest_line, 'x');
  CHECK(split({longest + "\nnext\n"}) == std::vector<std::string>{longest, "next"});
  const std::string words = "some words " + longest;
  CHECK(split({words, words, "\nnext"}) ==
        std::vector<std::string>{"some words" + std::string(cut_mark), "next"});
  CHECK(split({longest, "y"}) == std::vector<std::string>{std::string(cut_mark)});
}

long peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_CASE("a line without an end takes no memory") {
  const auto before = peak_kib();
  std::size_t lines = 0;
  LineSplitter splitter([&](std::string_view) { ++lines; });
  const std::string piece(65536, '7');
  for (int i = 0; i < 1024; ++i) splitter.feed(piece);
  splitter.finish();
  CHECK(lines == 1);
  CHECK(peak_kib() - before < 32L * 1024);
}

TEST_CASE("the first and the last line") {
  CHECK(first_line("a\nb\n") == "a");
  CHECK(first_line("").empty());
  CHECK(last_line("a\nb\n") == "b");
  CHECK(last_line("a\n\n \t\r\n") == "a");
  CHECK(last_line(" \n").empty());
}

TEST_CASE("a column that is not there is empty") {
  CHECK(column("a  b\tc", 0) == "a");
  CHECK(column(" a  b\tc ", 2) == "c");
  CHECK(column("a b", 2).empty());
  CHECK(column("", 0).empty());
  CHECK(column(" \t ", 0).empty());
}

TEST_CASE("a number is digits alone, and fits") {
  CHECK(whole_number("0") == 0U);
  CHECK(whole_number("18446744073709551615") == 18446744073709551615U);
  for (const auto* text : {"", " 1", "1 ", "-1", "+1", "0x1", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(whole_number(text));
  }
}

TEST_CASE("a flood of warnings is cut short in what rke and k3s say") {
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    text += fmt::format("time=\"now\" level=error msg=\"warning {}\"\n", i);
    text += fmt::format("time=\"now\" level=info msg=\"Removing host [{}] from node lists\"\n", i);
  }
  text += "time=\"now\" level=error msg=\"" + std::string(1 << 20, 'x') + "\"\n";
  const auto rke = read_snapshot_log(text);
  CHECK(rke.warnings.size() == 101);
  CHECK(rke.warnings.back() == "further warnings were left out");
  CHECK(rke.unreachable.size() == 100);
  CHECK(read_k3s_snapshot_log(text).warnings.size() == 101);
  const auto longest = "time=\"now\" level=error msg=\"" + std::string(1 << 20, 'x') + "\"\n";
  REQUIRE(read_snapshot_log(longest).warnings.size() == 1);
  CHECK(read_snapshot_log(longest).warnings.front().str().size() <= DisplayText::default_limit);
}

}  // namespace
}  // namespace retrust
