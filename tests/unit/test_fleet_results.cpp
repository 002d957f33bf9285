// The results of several clusters: exit status, table, JSON, and summary.md.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/text.h"
#include "base/width.h"
#include "report/fleet_table.h"
#include "transcript/summary.h"

namespace retrust {
namespace {

FleetResult result(std::string name, std::int64_t status, std::string word, std::string text = {}) {
  FleetResult made;
  made.end.id = "c-" + name;
  made.end.name = std::move(name);
  made.end.status = status;
  made.end.result = std::move(word);
  made.text = std::move(text);
  return made;
}

/// Results of every exit status, the best first.
std::vector<FleetResult> one_of_each() {
  return {result("well", 0, "repaired", "Rancher says: Ready True"),
          result("needy", 3, "needs repair", "its CA is out of date"),
          result("wrong", 2, "failed", "wrong usage"),
          result("declined", 7, "declined", "not confirmed"),
          result("refused", 4, "refused", "another CA"),
          result("away", 6, "no answer", "it did not answer"),
          result("late", 5, "gave up", "nothing was reported"),
          result("broken", 1, "failed", "a change failed"),
          result("killed", 130, "interrupted", "by signal 2")};
}

TEST_CASE("the exit status for several clusters is the worst one, wherever it comes") {
  const std::vector<std::int64_t> order{130, 1, 5, 6, 4, 7, 2, 3, 0};
  for (std::size_t worst = 0; worst < order.size(); ++worst) {
    std::vector<FleetResult> results;
    for (auto i = worst; i < order.size(); ++i) results.push_back(result("a", order[i], "x"));
    CAPTURE(order[worst]);
    CHECK(worst_status(results) == order[worst]);
    std::reverse(results.begin(), results.end());
    CHECK(worst_status(results) == order[worst]);
  }
  CHECK(worst_status({}) == 0);
  // A number that nobody knows is a failure, and no success.
  CHECK(worst_status({result("a", 4, "refused"), result("b", 99, "x")}) == 99);
  CHECK(worst_status({result("a", 143, "interrupted"), result("b", 1, "failed")}) == 143);
}

TEST_CASE("the table has the worst result first, and no text for a cluster that is well") {
  const auto lines = fleet_table(one_of_each());
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.push_back(line.text);
  CHECK(texts ==
        std::vector<std::string>{"NAME      ID          RESULT        NOW",
                                 "killed    c-killed    interrupted   by signal 2",
                                 "broken    c-broken    failed        a change failed",
                                 "late      c-late      gave up       nothing was reported",
                                 "away      c-away      no answer     it did not answer",
                                 "refused   c-refused   refused       another CA",
                                 "declined  c-declined  declined      not confirmed",
                                 "wrong     c-wrong     failed        wrong usage",
                                 "needy     c-needy     needs repair  its CA is out of date",
                                 "well      c-well      repaired"});
  CHECK(lines.front().kind == TableLine::Kind::header);
  CHECK(lines.at(1).kind == TableLine::Kind::bad);
  CHECK(lines.at(5).kind == TableLine::Kind::bad);
  CHECK(lines.at(8).kind == TableLine::Kind::warning);
  CHECK(lines.at(9).kind == TableLine::Kind::plain);
  CHECK(counted_results(one_of_each()) ==
        "1 interrupted, 2 failed, 1 gave up, 1 no answer, 1 refused, 1 declined, 1 needs repair, "
        "1 repaired");
}

TEST_CASE("results of one status keep the order given, and one without an ID shows a dash") {
  auto unknown = result("unknown", 4, "refused", "a.yaml:\n no answer");
  unknown.end.id.clear();
  const auto lines =
      fleet_table({result("b", 4, "refused", "x"), result("a", 4, "refused", "y"), unknown});
  REQUIRE(lines.size() == 4);
  CHECK(lines.at(1).text == "b        c-b  refused  x");
  CHECK(lines.at(2).text == "a        c-a  refused  y");
  CHECK(lines.at(3).text == "unknown  -    refused  a.yaml:  no answer");
}

TEST_CASE("the next actions are those of the worst clusters, each once, and not too many") {
  auto results = one_of_each();
  for (auto& each : results) {
    each.end.next = {Advice("see " + each.end.name), Advice("and then more")};
  }
  const auto all = fleet_next(results, 100);
  // One command repairs all that need it.
  REQUIRE(all.size() == 7);
  CHECK(all.front().sentence == "killed: see killed");
  CHECK(all.back().sentence == "wrong: see wrong");
  const auto two = fleet_next(results, 2);
  REQUIRE(two.size() == 2);
  CHECK(two.back().sentence == "broken: see broken");

  for (auto& each : results) each.end.next = {Advice("find out why that happened")};
  const auto same = fleet_next(results, 100);
  REQUIRE(same.size() == 1);
  CHECK(same.front().sentence == "killed: find out why that happened");
}

TEST_CASE("JSON has each cluster with its report, the worst first") {
  auto late = result("late", 5, "gave up", "nothing was reported");
  late.report = {{"differs", true}};
  late.end.code = "timeout";
  CHECK(boost::json::serialize(fleet_report({result("well", 0, "repaired"), late})) ==
        R"({"clusters":[{"id":"c-late","name":"late","result":"gave up","status":5,)"
        R"("text":"nothing was reported","code":"timeout","report":{"differs":true}},)"
        R"({"id":"c-well","name":"well","result":"repaired","status":0,"text":""}]})");
}

/// summary.md of a run with one cluster of that name.
std::string summary_of(const std::string& name, const std::string& text) {
  ClusterEnded end;
  end.id = "c-abcde";
  end.name = name;
  end.result = "failed";
  end.status = 1;
  end.last_step = "2.1 delete-token";
  end.folder = "c-abcde";
  end.next = {Advice("look at " + name, "kubectl get pods")};
  ClusterEnded well;
  well.id = "c-fghij";
  well.name = "production";
  well.result = "repaired";
  well.folder = "production-c-fghij";
  RunEnded run{1, "run", "Not all done.", "1 failed, 1 repaired", {}};
  return summary({{.what = RunStarted{}, .text = "retrust run of 2 clusters"},
                  {.what = end, .text = text},
                  {.what = well, .text = "Rancher says: Ready True"},
                  {.what = run, .text = "Not all done."}});
}

TEST_CASE(
    "summary.md begins with the verdict, and has a table, what is left, and the transcripts") {
  const auto document = summary_of("store", "a change failed");
  CHECK(document.starts_with(
      "# retrust run of 2 clusters\n\n**Not all done.** 1 failed, 1 repaired. Exit status 1.\n"));
  const auto clusters = document.find("\n## Clusters\n\n| cluster    | ID      | result   | ");
  const auto left = document.find("\n## Left to do for the clusters\n\n- store: look at store: ");
  const auto files = document.find("\n## Transcripts\n\n- store: `c-abcde/transcript.md`\n");
  CAPTURE(document);
  CHECK(clusters != std::string::npos);
  CHECK(clusters < left);
  CHECK(left < files);
  CHECK(files < document.find("\n## The run\n"));
  CHECK(
      document.find("\n| store      | c-abcde | failed   | 2.1 delete-token | a change failed |") !=
      std::string::npos);
  CHECK(summary({}).empty());
}

TEST_CASE("no name of a cluster breaks out of the summary") {
  const auto plain = split_lines(summary_of("store", "a change failed"));
  for (const std::string name :
       {"`", "``` x", "a`b``c", "a|b", "|", "a\n\n# heading", "a\n| x | y |", "\n- [x](y)",
        "<script>", "[x](https://example.com)", "@octocat", "**Done.**", "\\", "\\|", ""}) {
    CAPTURE(name);
    const auto document = summary_of(name, "a change failed: " + name);
    CAPTURE(document);
    const auto lines = split_lines(document);
    // Each line begins as it does for a plain name: no heading, row or item more.
    REQUIRE(lines.size() == plain.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      CHECK(lines[i].substr(0, 2) == plain[i].substr(0, 2));
      if (!plain[i].starts_with("|")) continue;
      CHECK(std::count(lines[i].begin(), lines[i].end(), '|') ==
            std::count(plain[i].begin(), plain[i].end(), '|'));
    }
    for (const std::string live : {"<script>", "@octocat"}) {
      for (auto at = document.find(live); at != std::string::npos;
           at = document.find(live, at + 1)) {
        CHECK(document[at - 1] == '`');
      }
    }
  }
}

TEST_CASE("a name of 300 characters is whole in the summary, and widens no other row") {
  const std::string name(300, 'x');
  const auto document = summary_of(name, "a change failed");
  CHECK(document.find("| " + name + " | c-abcde ") != std::string::npos);
  CHECK(document.find("\n- " + name + ": look at ") != std::string::npos);
  std::size_t others = 0;
  for (const auto& line : split_lines(document)) {
    if (line.starts_with("|") && line.find(name) == std::string::npos) {
      CHECK(width_of(line) < 160);
      ++others;
    }
  }
  CHECK(others == 3);
}

}  // namespace
}  // namespace retrust
