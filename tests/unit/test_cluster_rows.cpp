// The state of several clusters below everything else.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ui/cluster_rows.h"

namespace retrust {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

const ClusterRows::Time start{1h};

template <typename What>
Event event(What what, const std::string& section = {}, const std::string& text = {}) {
  return {.what = std::move(what), .section = section, .text = text};
}

Lines texts(const std::vector<ToneLine>& lines) {
  Lines texts;
  for (const auto& line : lines) texts.push_back(line.text);
  return texts;
}

/// A cluster in each stage: queued, looked at, waiting, at a step, well, refused.
ClusterRows in_all_stages(StepList::Symbols symbols = StepList::Symbols::unicode) {
  ClusterRows rows({"a", "b", "c", "d", "e", "production"}, symbols);
  for (const std::size_t cluster : {1, 2, 3, 4, 5}) {
    rows.see(cluster, event(RunStarted{}), start);
  }
  rows.waits(2);
  rows.waits(3);
  rows.see(3, event(StepStarted{"recreate-agents"}, "2.2"), start + 1s);
  rows.ended(4, Tone::good, "repaired");
  rows.ended(5, Tone::bad, "refused");
  return rows;
}

TEST_CASE("a row for each cluster says what it does, in the order of the clusters") {
  const auto rows = in_all_stages();
  const auto lines = rows.lines(start + 3s, {79, 24});
  CHECK(texts(lines) == Lines{"· a           to come", "▸ b           is looked at  3 s",
                              "· c           waits for its turn",
                              "▸ d           2.2 recreate-agents  2 s", "✓ e           repaired",
                              "✗ production  refused"});
  CHECK(lines.at(0).tone == Tone::faint);
  CHECK(lines.at(1).tone == Tone::working);
  CHECK(lines.at(2).tone == Tone::faint);
  CHECK(lines.at(3).tone == Tone::working);
  CHECK(lines.at(4).tone == Tone::good);
  CHECK(lines.at(5).tone == Tone::bad);
  const auto ascii = texts(in_all_stages(StepList::Symbols::ascii).lines(start + 3s, {79, 24}));
  CHECK(ascii.at(0) == ". a           to come");
  CHECK(ascii.at(3) == "> d           2.2 recreate-agents  2 s");
  CHECK(ascii.at(4) == "+ e           repaired");
  CHECK(ascii.at(5) == "x production  refused");
}

TEST_CASE("a cluster whose turn has come is at work before its first step") {
  auto rows = in_all_stages();
  rows.begins(2, start + 10s);
  CHECK(texts(rows.lines(start + 11s, {79, 24})).at(2) == "▸ c           is looked at  1 s");
}

TEST_CASE("a terminal without room shows the clusters at work, then the failed ones") {
  const auto rows = in_all_stages();
  const auto at = [&](std::size_t height) { return texts(rows.lines(start + 1s, {79, height})); };
  CHECK(at(0).empty());
  CHECK(at(1) == Lines{"… 1 refused, 1 repaired, 2 at work, 2 to come"});
  CHECK(at(2) == Lines{"▸ d           2.2 recreate-agents  0 s",
                       "… 1 refused, 1 repaired, 1 at work, 2 to come"});
  CHECK(at(3).size() == 3);
  CHECK(at(3).at(1) == "▸ b           is looked at  1 s");
  CHECK(at(5) == Lines{"▸ d           2.2 recreate-agents  0 s", "▸ b           is looked at  1 s",
                       "✗ production  refused", "… 1 repaired, 2 to come"});
  // With a line for each there is no need for numbers.
  CHECK(at(7).size() == 6);
}

TEST_CASE("the lines never need more room than there is") {
  ClusterRows rows(std::vector<std::string>(30, "store"), StepList::Symbols::unicode);
  for (std::size_t cluster = 0; cluster < 30; ++cluster) {
    for (std::size_t height = 0; height < 40; ++height) {
      CAPTURE(cluster);
      CAPTURE(height);
      CHECK(rows.lines(start, {79, height}).size() <= height);
    }
    rows.see(cluster, event(StepStarted{"get-ca"}, "2.4"), start);
    if (cluster % 3 == 0) rows.ended(cluster, Tone::bad, "failed");
  }
}

TEST_CASE(
    "a wait shows behind its step, with its last news, until it ends or another step begins") {
  ClusterRows rows({"a"}, StepList::Symbols::unicode);
  const auto line = [&] { return rows.lines(start, {79, 24}).front().text; };
  rows.see(0, event(StepStarted{"check-cluster"}, "2.5"), start);
  rows.see(0, event(WaitStarted{}, "2.5", "for the report"), start);
  CHECK(line() == "▸ a  2.5 check-cluster  0 s  waiting for the report");
  rows.see(0, event(WaitProgress{}, "2.5", "stored and live differ"), start);
  CHECK(line() == "▸ a  2.5 check-cluster  0 s  stored and live differ");
  rows.see(0, event(WaitStarted{}, "2.5", "for the server"), start);
  rows.see(0, event(WaitEnded{}, "2.5", "it is back"), start);
  CHECK(line() == "▸ a  2.5 check-cluster  0 s  stored and live differ");
  rows.see(0, event(WaitEnded{}, "2.5", "stored"), start);
  CHECK(line() == "▸ a  2.5 check-cluster  0 s");
  // An end and news without a wait are no trouble.
  rows.see(0, event(WaitEnded{}, "2.5", "again"), start);
  rows.see(0, event(WaitProgress{}, "2.5", "again"), start);
  CHECK(line() == "▸ a  2.5 check-cluster  0 s");
  rows.see(0, event(WaitStarted{}, "2.5", "for the report"), start);
  rows.see(0, event(StepStarted{"update-cluster"}, "2.5"), start);
  CHECK(line() == "▸ a  2.5 update-cluster  0 s");
}

TEST_CASE("a long name is cut, and wide characters count twice") {
  const ClusterRows rows({std::string(300, 'x'), "商店", "a"}, StepList::Symbols::unicode);
  CHECK(texts(rows.lines(start, {79, 24})) == Lines{"· " + std::string(27, 'x') + "…  to come",
                                                    "· 商店" + std::string(24, ' ') + "  to come",
                                                    "· a" + std::string(27, ' ') + "  to come"});
}

}  // namespace
}  // namespace retrust
