// The list of steps below everything else, as it goes on.
#include <doctest/doctest.h>

#include "ui/step_list.h"

namespace retrust {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

const StepList::Time start{1h};
constexpr TerminalSize plenty{79, 100};

Event plan_event() {
  PlanMade plan;
  const auto add = [&](const char* section, const char* name, Need need) {
    plan.steps.push_back({section, name, need});
  };
  add("1.1", "backup-container", Need::not_needed);
  add("2.1", "delete-token", Need::needed);
  add("2.2", "recreate-agents", Need::needed);
  add("2.3", "get-token", Need::needed);
  add("2.4", "get-ca", Need::needed);
  add("2.5", "update-cluster", Need::depends);
  return {.what = plan};
}

template <typename What>
Event event(What what, const std::string& section, const std::string& text) {
  return {.what = std::move(what), .section = section, .text = text};
}

Lines texts(const std::vector<ToneLine>& lines) {
  Lines texts;
  for (const auto& line : lines) texts.push_back(line.text);
  return texts;
}

/// At the first two steps done, the third one waiting.
StepList at_third() {
  StepList list(StepList::Symbols::unicode);
  list.see(plan_event(), start);
  for (const auto* name : {"delete-token", "recreate-agents"}) {
    list.see(event(StepStarted{name}, "2.1", ""), start);
    list.see(event(StepEnded{name}, "2.1", ""), start + 1s);
  }
  list.see(event(StepStarted{"get-token"}, "2.3", ""), start);
  list.see(event(WaitStarted{}, "2.3", "for one"), start);
  return list;
}

TEST_CASE("a wait inside another one shows while it lasts, and then the other one again") {
  auto list = at_third();
  list.see(event(WaitStarted{}, "2.3", "for the server"), start);
  list.see(event(WaitProgress{}, "2.3", "it is away"), start);
  CHECK(texts(list.lines(start, plenty))[3] == "       it is away");
  list.see(event(WaitEnded{}, "2.3", "it is back"), start);
  CHECK(texts(list.lines(start, plenty))[3] == "       waiting for one");
}

TEST_CASE("steps go from ahead to done, and what was not needed is left out in the end") {
  StepList list(StepList::Symbols::unicode);
  list.see(plan_event(), start);
  CHECK_FALSE(list.active());
  list.see(event(StepStarted{"delete-token"}, "2.1", ""), start);
  CHECK(list.active());
  CHECK(texts(list.lines(start + 3s, plenty)) ==
        Lines{"▸ 2.1  delete-token          3 s", "· 2.2  recreate-agents", "· 2.3  get-token",
              "· 2.4  get-ca", "· 2.5  update-cluster        if needed"});
  list.see(event(StepEnded{"delete-token"}, "2.1", ""), start + 7s);
  CHECK(list.active());
  CHECK(texts(list.lines(start + 9s, plenty)).front() == "✓ 2.1  delete-token          7.0 s");
  CHECK(list.lines(start + 9s, plenty).front().tone == Tone::good);
  list.see(event(StepStarted{"recreate-agents"}, "2.2", ""), start + 9s);
  list.see(event(FailureTold{}, "2.2", "no"), start + 10s);
  // What is said from now on is not to be drawn over.
  CHECK_FALSE(list.active());
  CHECK(list.lines(start + 20s, plenty).empty());
  list.see(event(RunEnded{}, "", "Not done."), start + 11s);
  CHECK_FALSE(list.active());
  CHECK(texts(list.summary()) ==
        Lines{"✓ 2.1  delete-token          7.0 s", "✗ 2.2  recreate-agents       1.0 s"});
  CHECK(list.summary().back().tone == Tone::bad);
}

TEST_CASE("a wait shows what was seen last, and before that what is waited for") {
  StepList list(StepList::Symbols::unicode);
  list.see(event(StepStarted{"recreate-agents"}, "2.2", ""), start);
  list.see(event(WaitStarted{}, "2.2", "for the old agents to be gone"), start);
  CHECK(texts(list.lines(start + 5s, plenty)) ==
        Lines{"▸ 2.2  recreate-agents       5 s", "       waiting for the old agents to be gone"});
  list.see(event(WaitProgress{}, "2.2", "1 of 2 old pods gone"), start + 6s);
  CHECK(texts(list.lines(start + 7s, plenty)) ==
        Lines{"▸ 2.2  recreate-agents       7 s", "       1 of 2 old pods gone"});
  list.see(event(WaitEnded{}, "2.2", "there"), start + 8s);
  CHECK(texts(list.lines(start + 8s, plenty)) == Lines{"▸ 2.2  recreate-agents       8 s"});
}

TEST_CASE("what was seen takes more rows only where there are some to spare") {
  StepList list(StepList::Symbols::unicode);
  list.see(event(StepStarted{"check-cluster"}, "2.5", ""), start);
  list.see(event(WaitStarted{}, "2.5", "for the live token"), start);
  list.see(event(WaitProgress{}, "2.5", "one two three four five six seven"), start);
  CHECK(texts(list.lines(start, {20, 24})) == Lines{"▸ 2.5  check-cluster         0 s",
                                                    "       one two three", "       four five six",
                                                    "       seven"});
  CHECK(texts(list.lines(start, {14, 24})).back() == "       four five six seven");
  CHECK(texts(list.lines(start, {20, 5})) ==
        Lines{"▸ 2.5  check-cluster         0 s", "       one two three four five six seven"});
}

TEST_CASE("a wait outside of any step shows its own time") {
  StepList list(StepList::Symbols::unicode);
  list.see(event(WaitStarted{}, "", "for a review of tokens"), start);
  CHECK(list.active());
  list.see(event(WaitProgress{}, "", "200 so far"), start + 1s);
  CHECK(texts(list.lines(start + 4s, plenty)) ==
        Lines{"  waiting 4 s for a review of tokens", "    200 so far"});
  list.see(event(WaitEnded{}, "", "reviewed"), start + 5s);
  CHECK_FALSE(list.active());
}

TEST_CASE("a command that takes long is shown as awaited, and what lasts is not") {
  StepList list(StepList::Symbols::unicode);
  CommandStarted lasting;
  lasting.id = 1;
  lasting.life = Life::lasting;
  list.see(event(lasting, "", "kubectl proxy"), start);
  CHECK_FALSE(list.active());

  CommandStarted command;
  command.id = 2;
  command.cluster = "local";
  list.see(event(command, "", "kubectl get nodes"), start);
  command.id = 3;
  command.cluster = "";
  list.see(event(command, "", "rke --version"), start + 100ms);
  CHECK(list.active());
  CHECK(list.lines(start + 300ms, plenty).empty());
  CHECK(texts(list.lines(start + 500ms, plenty)) ==
        Lines{"  waiting 0 s for the local cluster: kubectl get nodes"});
  CommandEnded ended;
  ended.id = 2;
  list.see(event(ended, "", "kubectl get: exit status 0"), start + 2s);
  CHECK(texts(list.lines(start + 2s, plenty)) == Lines{"  waiting 1 s for rke --version"});
  // A wait says more than a command of it.
  list.see(event(WaitStarted{}, "", "for a review of tokens"), start + 2s);
  CHECK(texts(list.lines(start + 2s, plenty)) == Lines{"  waiting 0 s for a review of tokens"});
  list.see(event(WaitEnded{}, "", "reviewed"), start + 3s);
  ended.id = 3;
  list.see(event(ended, "", "rke: exit status 0"), start + 3s);
  CHECK_FALSE(list.active());
}

TEST_CASE("on a terminal that is too low what goes on stays, and what is done is left out first") {
  const auto list = at_third();
  CHECK(texts(list.lines(start + 2s, {79, 6})) ==
        Lines{"✓ 2.1  delete-token          1.0 s", "✓ 2.2  recreate-agents       1.0 s",
              "▸ 2.3  get-token             2 s", "       waiting for one", "· 2.4  get-ca",
              "· 2.5  update-cluster        if needed"});
  CHECK(texts(list.lines(start + 2s, {79, 5})) ==
        Lines{"… 2 earlier", "▸ 2.3  get-token             2 s", "       waiting for one",
              "· 2.4  get-ca", "· 2.5  update-cluster        if needed"});
  CHECK(texts(list.lines(start + 2s, {79, 4})) == Lines{"… 2 earlier",
                                                        "▸ 2.3  get-token             2 s",
                                                        "       waiting for one", "… 2 more"});
  CHECK(texts(list.lines(start + 2s, {79, 3})) ==
        Lines{"… 2 earlier", "▸ 2.3  get-token             2 s", "       waiting for one"});
  CHECK(texts(list.lines(start + 2s, {79, 2})) ==
        Lines{"▸ 2.3  get-token             2 s", "       waiting for one"});
}

TEST_CASE("no list is higher than its terminal") {
  auto list = at_third();
  for (std::size_t rows = 1; rows < 12; ++rows) {
    CHECK(list.lines(start + 2s, {79, rows}).size() <= rows);
  }
  list.see(event(StepEnded{"get-token"}, "2.3", ""), start + 2s);
  for (std::size_t rows = 1; rows < 12; ++rows) {
    CHECK(list.lines(start + 2s, {79, rows}).size() <= rows);
  }
}

TEST_CASE("a step with a result of its own is marked as done, and the result stands behind it") {
  StepList list(StepList::Symbols::unicode);
  list.see(event(StepStarted{"check-cluster"}, "2.5", ""), start);
  list.see(event(StepEnded{"check-cluster", "not reported"}, "2.5", "CA different"), start + 2s);
  list.see(event(RunEnded{}, "", "Done."), start + 3s);
  CHECK(texts(list.summary()) == Lines{"✓ 2.5  check-cluster         2.0 s   not reported"});
}

TEST_CASE("a step that was not planned is shown too, and without UTF-8 in plain characters") {
  StepList list(StepList::Symbols::ascii);
  list.see(event(StepStarted{"restart-rancher"}, "3.1", ""), start);
  CHECK(texts(list.lines(start, plenty)) == Lines{"> 3.1  restart-rancher       0 s"});
  list.see(event(StepEnded{"restart-rancher"}, "3.1", ""), start + 2s);
  CHECK(texts(list.lines(start + 2s, plenty)) == Lines{"+ 3.1  restart-rancher       2.0 s"});
}

}  // namespace
}  // namespace retrust
