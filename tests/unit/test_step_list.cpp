// The list of steps below everything else, as it goes on.
#include <boost/json/array.hpp>
#include <doctest/doctest.h>

#include "cli/step_list.h"

namespace retrust {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

const StepList::Time start{1h};

Event plan_event() {
  boost::json::array steps;
  const auto add = [&](const char* section, const char* name, const char* need) {
    steps.emplace_back(boost::json::object{{"section", section}, {"name", name}, {"need", need}});
  };
  add("1.1", "backup-container", "not-needed");
  add("2.1", "delete-token", "needed");
  add("2.2", "recreate-agents", "needed");
  add("2.5", "update-cluster", "depends");
  return {.kind = EventKind::plan, .data = {{"steps", steps}}};
}

Event event(EventKind kind, const std::string& section, const std::string& text,
            const std::string& name = "") {
  return {.kind = kind, .section = section, .text = text, .data = {{"name", name}}};
}

TEST_CASE("steps go from ahead to done, and what was not needed is left out in the end") {
  StepList list(StepList::Symbols::unicode);
  list.see(plan_event(), start);
  CHECK_FALSE(list.active());
  list.see(event(EventKind::step_started, "2.1", "", "delete-token"), start);
  CHECK(list.active());
  CHECK(list.lines(start + 3s) == Lines{"▸ 2.1  delete-token          3 s",
                                        "· 2.2  recreate-agents",
                                        "· 2.5  update-cluster        if need be"});
  list.see(event(EventKind::wait_started, "2.1", "for a new one"), start + 3s);
  list.see(event(EventKind::wait_progress, "2.1", "not yet"), start + 4s);
  CHECK(list.lines(start + 5s).front() ==
        "▸ 2.1  delete-token          5 s  waiting for a new one: not yet");
  list.see(event(EventKind::wait_ended, "2.1", "there"), start + 6s);
  list.see(event(EventKind::step_ended, "2.1", "", "delete-token"), start + 7s);
  CHECK(list.lines(start + 9s).front() == "✓ 2.1  delete-token          7.0 s");
  list.see(event(EventKind::step_started, "2.2", "", "recreate-agents"), start + 9s);
  list.see(event(EventKind::failure, "2.2", "no"), start + 10s);
  list.see(event(EventKind::run_ended, "", "Not done."), start + 11s);
  CHECK_FALSE(list.active());
  CHECK(list.lines(start + 20s) ==
        Lines{"✓ 2.1  delete-token          7.0 s", "✗ 2.2  recreate-agents       1.0 s"});
}

TEST_CASE("a step that was not planned is shown too, and without UTF-8 in plain characters") {
  StepList list(StepList::Symbols::ascii);
  list.see(event(EventKind::step_started, "3.1", "", "restart-rancher"), start);
  CHECK(list.lines(start) == Lines{"> 3.1  restart-rancher       0 s"});
  list.see(event(EventKind::step_ended, "3.1", "", "restart-rancher"), start + 2s);
  CHECK(list.lines(start + 2s) == Lines{"+ 3.1  restart-rancher       2.0 s"});
}

}  // namespace
}  // namespace retrust
