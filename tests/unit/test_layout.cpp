// How text fits on a terminal, and what stays on it while lines are brought up to date.
#include <algorithm>
#include <deque>

#include <doctest/doctest.h>

#include "base/text.h"
#include "base/width.h"
#include "transcript/plan_text.h"
#include "ui/layout.h"

namespace retrust {
namespace {

using Lines = std::vector<std::string>;

/// As much of a terminal as drawing needs: it scrolls, and on a change of width its lines flow
/// again, as in tmux and most others, or are cut, as xterm's are.
class Screen {
 public:
  enum class Kind { flows, cuts };
  Screen(TerminalSize size, Kind kind) : size_(size), kind_(kind) { rows_.emplace_back(); }

  void write(std::string_view text) {
    while (!text.empty()) {
      if (text.starts_with("\x1b[")) {
        const auto end = text.find_first_not_of("0123456789", 2);
        const auto number = text.substr(2, end - 2);
        control(text[end], number.empty() ? 0 : std::stoul(std::string(number)));
        text.remove_prefix(end + 1);
        continue;
      }
      put(text.front());
      text.remove_prefix(1);
    }
  }

  void resize(TerminalSize size) {
    if (kind_ == Kind::flows && size.columns != size_.columns) {
      // The row of the cursor begins a line, as it does wherever a list was drawn.
      std::deque<Row> flown;
      auto cursor = row_;
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (i == row_) cursor = flown.size();
        auto rest = rows_[i].text;
        if (rows_[i].goes_on && !flown.empty()) {
          rest = flown.back().text + rest;
          flown.pop_back();
        }
        auto goes_on = false;
        do {
          flown.push_back({rest.substr(0, size.columns), goes_on});
          rest.erase(0, size.columns);
          goes_on = true;
        } while (!rest.empty());
      }
      rows_ = std::move(flown);
      row_ = cursor;
    }
    size_ = size;
    // What is below the cursor goes first, as it does with tmux and xterm.
    while (rows_.size() > size_.rows && row_ + 1 < rows_.size()) rows_.pop_back();
    scroll();
    for (auto& row : rows_) row.text.resize(std::min(row.text.size(), size_.columns));
    column_ = std::min(column_, size_.columns - 1);
  }

  Lines shown() const {
    Lines lines;
    for (const auto& row : rows_) lines.push_back(row.text);
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }
  const Lines& gone() const { return gone_; }

 private:
  struct Row {
    std::string text = {};
    bool goes_on = false;  ///< it goes on with the line of the row before
  };

  void control(char what, std::size_t number) {
    if (what == 'A') row_ -= std::min(row_, std::max<std::size_t>(number, 1));
    if (what == 'C') column_ = std::min(column_ + 1, size_.columns - 1);
    if (what == 'J' && row_ == 0 && column_ == 0) {
      // tmux keeps a whole screen that is cleared.
      for (const auto& row : rows_) gone_.push_back(row.text);
    }
    auto& text = rows_[row_].text;
    if (what == 'J' || what == 'K') text.resize(std::min(column_, text.size()));
    if (what == 'J') rows_.resize(row_ + 1);
  }

  void put(char c) {
    if (c == '\r') {
      column_ = 0;
    } else if (c == '\n') {
      next_row();
    } else {
      if (column_ == size_.columns) {
        column_ = 0;
        next_row();
        rows_[row_].goes_on = true;
      }
      auto& text = rows_[row_].text;
      text.resize(std::max(text.size(), column_ + 1), ' ');
      text[column_++] = c;
    }
  }

  void next_row() {
    if (++row_ == rows_.size()) rows_.emplace_back();
    scroll();
  }

  void scroll() {
    while (rows_.size() > size_.rows) {
      gone_.push_back(rows_.front().text);
      rows_.pop_front();
      row_ -= std::min<std::size_t>(row_, 1);
    }
  }

  TerminalSize size_;
  Kind kind_;
  std::deque<Row> rows_;
  Lines gone_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

std::vector<ToneLine> steps() {
  return {{"+ 2.1  delete-token          1.0 s"},
          {"> 2.2  recreate-agents       3 s"},
          {"       1 of 2 old pods gone, 0 new ready; the last one is on node worker-17"},
          {". 2.3  get-token"},
          {". 2.4  get-ca"}};
}

std::string drawn(TerminalSize size) {
  return drawing(steps(), size.columns - 1, "...", Paint::plain);
}

TEST_CASE("lines that are brought up to date leave nothing behind") {
  for (const auto kind : {Screen::Kind::flows, Screen::Kind::cuts}) {
    TerminalSize size{80, 6};
    Screen screen(size, kind);
    screen.write("before\r\n");
    for (int i = 0; i < 5; ++i) screen.write(drawn(size));
    CHECK(screen.gone().empty());
    SUBCASE("refreshed") {}
    SUBCASE("the terminal gets narrower, and wider again") {
      for (const std::size_t columns : {60U, 40U, 25U, 100U}) {
        size.columns = columns;
        screen.resize(size);
        screen.write(drawn(size));
      }
    }
    SUBCASE("the terminal gets higher and lower") {
      for (const std::size_t rows : {30U, 6U}) {
        size.rows = rows;
        screen.resize(size);
        screen.write(drawn(size));
      }
    }
    CHECK(screen.gone() == Lines{});
    CHECK(screen.shown().size() == 1 + steps().size());
    screen.write(erasing);
    screen.write("after\r\n");
    CHECK(screen.shown() == Lines{"before", "after"});
  }
}

TEST_CASE("a list that begins in the first row of the screen leaves nothing behind either") {
  Screen screen({80, 6}, Screen::Kind::flows);
  for (int i = 0; i < 5; ++i) screen.write(drawn({80, 6}));
  CHECK(screen.shown().size() == steps().size());
  screen.write(erasing);
  CHECK(screen.shown().empty());
  CHECK(screen.gone().empty());
}

TEST_CASE("a line that is too long for the terminal is cut, and says so") {
  Screen screen({24, 6}, Screen::Kind::flows);
  screen.write(drawn({24, 6}));
  CHECK(screen.shown()[2] == "       1 of 2 old po...");
}

TEST_CASE("characters fill one column, two or none") {
  CHECK(width_of("abc") == 3);
  CHECK(width_of("✓ ü…") == 4);
  CHECK(width_of("集群") == 4);
  CHECK(width_of("e\u0301") == 1);
  CHECK(cut("集群 production", 5, "…") == "集群…");
  CHECK(cut("集群 production", 4, "…") == "集…");
  CHECK(cut("e\u0301e\u0301e\u0301", 3, "…") == "e\u0301e\u0301e\u0301");
  CHECK(cut("abc", 0, "…").empty());
}

TEST_CASE("sentences are broken between words, and words never") {
  CHECK(wrapped("  the cluster rejects the token", 20, 4) ==
        Lines{"  the cluster", "    rejects the", "    token"});
  CHECK(wrapped("at https://rancher.example.com/v3 now", 12, 2) ==
        Lines{"at", "  https://rancher.example.com/v3", "  now"});
  CHECK(wrapped("short", 20, 4) == Lines{"short"});
  CHECK(wrapped("", 20, 4) == Lines{""});
}

TEST_CASE("what is laid out in columns stays as it is") {
  const std::string table = "  sha256           dfdb8876ba429b56668c7941f57b4b77\n";
  CHECK(wrapped_sentences(table, 20) == table);
}

TEST_CASE("a plan's reasons and notes are wrapped, and its commands are not") {
  const std::vector<ShownStep> plan{
      {"2.1",
       "delete-token",
       Need::needed,
       true,
       "the cluster rejects the token in cattle-token-rc44t, which the agents use",
       {"kubectl --kubeconfig=prod.yaml -n cattle-system delete secret cattle-token-rc44t "
        "--ignore-not-found --wait=false"},
       {"Kubernetes v1.30.14 makes no other by itself: the agents do when they start, and "
        "retrust where none of them does"}}};
  CHECK(plan_text(plan, 79) ==
        "2.1  delete-token          needed      the cluster rejects the token in\n"
        "                                       cattle-token-rc44t, which the agents use\n"
        "       kubectl --kubeconfig=prod.yaml -n cattle-system delete secret cattle-token-rc44t "
        "--ignore-not-found --wait=false\n"
        "       (Kubernetes v1.30.14 makes no other by itself: the agents do when they\n"
        "        start, and retrust where none of them does)\n");
  CHECK(plan_text(plan, 50).starts_with(
      "2.1  delete-token          needed      the cluster\n       rejects the token in"));
  CHECK(split_lines(plan_text(plan)).size() == 3);
}

TEST_CASE("colour is for the mark of a line, or for a line that matters less") {
  CHECK(painted({"+ 2.1", Tone::good}, Paint::colored) == "\x1b[32m+\x1b[0m 2.1");
  CHECK(painted({". 2.1", Tone::faint}, Paint::colored) == "\x1b[2m. 2.1\x1b[0m");
  CHECK(painted({". 2.1", Tone::faint}, Paint::plain) == ". 2.1");
}

}  // namespace
}  // namespace retrust
