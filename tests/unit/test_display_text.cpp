#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/characters.h"
#include "base/display_text.h"
#include "base/text.h"

using namespace retrust;

namespace {

std::string encoded(char32_t point) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | (point >> 6)), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000) {
    return {byte(0xE0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3F)),
            byte(0x80 | (point & 0x3F))};
  }
  return {byte(0xF0 | (point >> 18)), byte(0x80 | ((point >> 12) & 0x3F)),
          byte(0x80 | ((point >> 6) & 0x3F)), byte(0x80 | (point & 0x3F))};
}

struct Range {
  char32_t first;
  char32_t last;
};

}  // namespace

TEST_CASE("characters that hide or steer do not pass") {
  const std::vector<Range> hidden{
      {0x01, 0x08},       {0x0B, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},
      {0x34F, 0x34F},     {0x61C, 0x61C},     {0x115F, 0x1160},   {0x17B4, 0x17B5},
      {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
      {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},   {0xFE00, 0xFE0F},
      {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF9, 0xFFFB},   {0xFFFE, 0xFFFF},
      {0x1FFFE, 0x1FFFF}, {0xE0000, 0xE007F}, {0xE0100, 0xE01EF}, {0xF0000, 0x10FFFF},
      {0x1D173, 0x1D17A}};
  for (const auto& range : hidden) {
    for (auto point = range.first; point <= range.last; ++point) {
      const auto shown = one_line("a" + encoded(point) + "b");
      if (shown != "a?b") FAIL(fmt::format("U+{:04X}", static_cast<unsigned>(point)));
    }
  }
}

TEST_CASE("text of every script passes as it is") {
  const std::string text =
      "production (c-x7k2p): Käse, Ἑλλάς, кластер, 集群, クラスタ, ‹token›, …, 😀, e\u0301, \uFFFD";
  CHECK(printable(text) == text);
  CHECK(display_text(text, 512) == text);
  for (const char32_t point : {0x20, 0x7E, 0xA0, 0xAC, 0xAE, 0x34E, 0x350, 0x2010, 0x2027, 0x202F,
                               0x205F, 0x2070, 0xFE10, 0xFFFC, 0xFFFD, 0x1F600}) {
    CHECK_FALSE(is_hidden(point));
  }
}

TEST_CASE("what is not UTF-8 does not pass") {
  for (const std::string bytes :
       {"\x80", "\xC1\x81", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    CHECK(one_line("a" + bytes + "b") == "a" + std::string(bytes.size(), '?') + "b");
  }
  CHECK(one_line("a\xE2\x80") == "a??");
}

TEST_CASE("text from outside becomes one line of bounded length") {
  const DisplayText name =
      "production\nDone. Rancher trusts it. Exit status 0.\r\x1B[2J\t\u202Eend\n";
  CHECK(name == "production Done. Rancher trusts it. Exit status 0.??[2J ?end");
  CHECK(DisplayText(std::string(512, 'a')) == std::string(512, 'a'));
  const DisplayText empty = "";
  CHECK(empty.empty());
}

TEST_CASE("a cut is marked, keeps whole characters and shows no half word") {
  std::string words;
  while (words.size() < 600) words += "word ";
  const DisplayText text = words;
  CHECK(text.str().size() <= 512);
  CHECK(text.str().ends_with("word …"));
  CHECK(DisplayText("known secret-that-is-cut", 16) == "known …");
  // One word of which nothing is known may be a secret.
  CHECK(DisplayText(std::string(4'000'000, 'a')) == "…");
  std::string wide;
  while (wide.size() < 600) wide += "集";
  const DisplayText cut = wide;
  CHECK(cut.str().size() == 510);
  CHECK(printable(cut) == cut.str());
  // A character that the look ahead divided is not shown as a part.
  for (std::size_t limit = 3; limit < 40; ++limit) {
    const auto shown = display_text(wide, limit);
    CHECK(shown.size() <= limit);
    CHECK(shown.find('?') == std::string::npos);
  }
}

TEST_CASE("display text is used like a string") {
  const DisplayText text = std::string("a b");
  const std::string copy = text;
  const std::string_view view = text;
  std::string built;
  built += text;
  CHECK(copy == "a b");
  CHECK(view == "a b");
  CHECK(built == "a b");
  CHECK(std::string(text) == "a b");
  CHECK(fmt::format("[{:<5}]", text) == "[a b  ]");
  CHECK("x " + text + " y" == "x a b y");
  CHECK(text == std::string("a b"));
  CHECK("a c" != text);
  CHECK(text < DisplayText("a c"));
}
