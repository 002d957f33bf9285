#include <filesystem>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/redactor.h"
#include "transcript/document.h"
#include "transcript/event_table.h"
#include "transcript/volume.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

class Listener final : public EventSink {
 public:
  void emit(const Event& event) override {
    if (is_momentary(event)) {
      ++momentary;
      return;
    }
    written += json_line(event).size() + 1;
    events.push_back(event);
  }
  std::vector<Event> events;
  std::size_t momentary = 0;
  std::size_t written = 0;
};

struct World {
  World() { events.add(listener); }
  Redactor redactor;
  std::shared_ptr<Listener> listener = std::make_shared<Listener>();
  Events events{redactor};
};

template <typename Kind>
std::size_t count(const Listener& listener) {
  std::size_t found = 0;
  for (const auto& event : listener.events) found += event.is<Kind>() ? 1 : 0;
  return found;
}

TEST_CASE("progress of a wait is told when it changes, and a few dozen times at most") {
  World world;
  world.events.emit({.what = WaitStarted{}, .section = "2.2", .text = "for pods"});
  for (int i = 0; i < 5; ++i) {
    world.events.emit({.what = WaitProgress{}, .section = "2.2", .text = "1 of 2"});
  }
  CHECK(world.listener->events.size() == 2);
  for (int i = 0; i < 10'000; ++i) {
    world.events.emit(
        {.what = WaitProgress{}, .section = "2.2", .text = fmt::format("seen {}", i)});
  }
  world.events.emit({.what = WaitEnded{}, .section = "2.2", .text = "there"});
  CHECK(count<WaitProgress>(*world.listener) == most_progress + 1);
  // A terminal is drawn on ten times a second at most.
  CHECK(world.listener->momentary < 5000);
  const auto& told = world.listener->events[world.listener->events.size() - 2];
  CHECK(told.text == "9961 more reports of progress left out here");
  // The next wait begins from none.
  world.events.emit({.what = WaitStarted{}, .section = "2.2", .text = "again"});
  world.events.emit({.what = WaitProgress{}, .section = "2.2", .text = "seen 0"});
  CHECK(world.listener->events.back().text == "seen 0");
}

TEST_CASE("the command of an end is that of its start, also in a large transcript") {
  World world;
  const std::string command = "kubectl " + std::string(3000, 'a');
  CommandEnded ended;
  ended.command = command;
  ended.ending = "exit status 0";
  ended.output = std::string(1000, 'x');
  for (int i = 0; i < 40'000; ++i) world.events.emit({.what = ended, .text = ""});
  auto ends = 0;
  for (const auto& event : world.listener->events) {
    const auto* told = std::get_if<CommandEnded>(&event.what);
    if (told == nullptr) continue;
    ++ends;
    if (told->command != command) FAIL("it was cut to " << told->command.size() << " bytes");
  }
  CHECK(ends > 0);
}

TEST_CASE("a wait that fails tells what was left out, too") {
  World world;
  for (int i = 0; i < 100; ++i) {
    world.events.emit({.what = WaitProgress{}, .text = fmt::format("seen {}", i)});
  }
  world.events.emit({.what = FailureTold{}, .text = "in vain"});
  CHECK(world.listener->events.back().is<FailureTold>());
  CHECK(world.listener->events[world.listener->events.size() - 2].text ==
        "60 more reports of progress left out here");
}

TEST_CASE("warnings that repeat are told once, and how many were left out") {
  World world;
  for (int i = 0; i < 1000; ++i) {
    world.events.emit({.what = Warning{}, .text = "cannot be reached; trying again"});
    world.events.emit({.what = Warning{}, .text = fmt::format("warning {}", i)});
  }
  world.events.emit({.what = RunEnded{}, .text = "Done."});
  CHECK(count<Warning>(*world.listener) == most_warnings);
  CHECK(world.listener->events[world.listener->events.size() - 2].text.starts_with(
      "1900 warnings left out"));
}

TEST_CASE("a line that several commands say to the operator is told once") {
  World world;
  const auto told = [&](std::string aside) {
    CommandEnded ended;
    ended.aside = std::move(aside);
    world.events.emit({.what = ended});
    return std::get<CommandEnded>(world.listener->events.back().what).aside;
  };
  CHECK(told("expired\nexpired\nlog in\n") == "expired\nlog in\n");
  CHECK(told("expired\nlog in\n").empty());
  // A second login has a code of its own.
  CHECK(told("enter the code 482913\n") == "enter the code 482913\n");
  CHECK(told("enter the code 771204\n") == "enter the code 771204\n");
}

/// An event of that kind whose texts are all the same, as are the elements of its lists.
template <typename Kind>
Event full_of(const std::string& text) {
  Kind what;
  for_each_member(what, [](const auto&, auto& value) {
    if constexpr (requires { value.emplace_back(); } &&
                  !std::is_same_v<decltype(value), std::string&>) {
      value.resize(2);
    }
  });
  for_each_text(what, [&](std::string& each, TextShape) { each = text; });
  return {.what = what, .section = "2.1", .text = text};
}

template <typename... Kinds, typename Function>
void for_each_kind(std::variant<Kinds...>, const Function& function) {
  (function(Kinds()), ...);
}

TEST_CASE("every text of an event is at most 8 KiB, and one line where it is a sentence") {
  for_each_kind(decltype(Event::what)(), [](auto kind) {
    using Kind = decltype(kind);
    if (std::is_same_v<Kind, PlanMade>) return;
    CAPTURE(table_of<Kind>.name);
    World world;
    world.events.emit(full_of<Kind>(std::string(400'000, 'a') + "\nb"));
    const auto& event = world.listener->events.back();
    CHECK(event.text.size() <= most_text);
    CHECK(event.text.find("bytes left out") != std::string::npos);
    for_each_text(std::get<Kind>(event.what), [](const std::string& text, TextShape shape) {
      CHECK(text.size() <= most_text);
      if (shape == TextShape::line) CHECK(text.find('\n') == std::string::npos);
    });
    CHECK(json_line(event).size() < 120 * 1024);
  });
  World world;
  world.events.emit({.what = FailureTold{}, .text = "a\nDone. Exit status 0."});
  CHECK(world.listener->events.back().text == "a Done. Exit status 0.");
}

TEST_CASE("a plan is shown whole, as far as a person can read one") {
  const auto shown = [](std::size_t size) {
    World world;
    const std::vector<std::string> commands{std::string(size, 'a')};
    world.events.emit(
        {.what = PlanMade{{{"2.1", "delete-token", Need::needed, true, "why", commands}}}});
    return std::get<PlanMade>(world.listener->events.back().what).steps.front();
  };
  CHECK(shown(60'000).commands.front().size() == 60'000);
  CHECK(shown(600'000).commands.front().size() < 65 * 1024);
  CHECK(shown(600'000).reason == "why");
}

TEST_CASE("what was changed is told, however much came before") {
  World world;
  for (int i = 0; i < 200; ++i) {
    world.events.emit({.what = StepEnded{}, .text = std::string(10'000, 'a')});
  }
  world.events.emit({.what = Change{}, .text = "saved x"});
  CHECK(world.listener->events.back().text == "saved x");
}

TEST_CASE("a transcript stays under 1 MiB, and tells what is missing") {
  for_each_kind(decltype(Event::what)(), [](auto kind) {
    using Kind = decltype(kind);
    CAPTURE(table_of<Kind>.name);
    World world;
    world.events.emit({.what = RunStarted{}, .text = "retrust run"});
    // Changes and steps are retrust's own, and few; a run fails and ends once.
    const auto few =
        Event{.what = Kind()}.template is<Change, StepStarted, FailureTold, RunEnded>();
    for (int i = 0; i < (few ? 1 : 200); ++i) {
      auto event = full_of<Kind>(fmt::format("{} {}", i, std::string(10'000, '"')));
      event.section = fmt::format("{}", i % 7);
      world.events.emit(event);
    }
    world.events.emit({.what = RunEnded{}, .text = "Done."});
    CHECK(world.listener->written < 1024 * 1024);
    CHECK(document(world.listener->events).size() < 1024 * 1024);
    CHECK(world.listener->events.back().is<RunEnded>());
  });
}

}  // namespace
}  // namespace retrust
