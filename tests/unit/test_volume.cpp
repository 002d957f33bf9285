#include <filesystem>
#include <string>

#include <boost/json/array.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/redactor.h"
#include "transcript/document.h"
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

std::size_t count(const Listener& listener, EventKind kind) {
  std::size_t found = 0;
  for (const auto& event : listener.events) found += event.kind == kind ? 1 : 0;
  return found;
}

TEST_CASE("progress of a wait is told when it changes, and a few dozen times at most") {
  World world;
  world.events.emit({.kind = EventKind::wait_started, .section = "2.2", .text = "for pods"});
  for (int i = 0; i < 5; ++i) {
    world.events.emit({.kind = EventKind::wait_progress, .section = "2.2", .text = "1 of 2"});
  }
  CHECK(world.listener->events.size() == 2);
  for (int i = 0; i < 10'000; ++i) {
    world.events.emit(
        {.kind = EventKind::wait_progress, .section = "2.2", .text = fmt::format("seen {}", i)});
  }
  world.events.emit({.kind = EventKind::wait_ended, .section = "2.2", .text = "there"});
  CHECK(count(*world.listener, EventKind::wait_progress) == most_progress + 1);
  // A terminal is drawn on ten times a second at most.
  CHECK(world.listener->momentary < 5000);
  const auto& told = world.listener->events[world.listener->events.size() - 2];
  CHECK(told.text == "9961 more reports of progress left out here");
  // The next wait begins from none.
  world.events.emit({.kind = EventKind::wait_started, .section = "2.2", .text = "again"});
  world.events.emit({.kind = EventKind::wait_progress, .section = "2.2", .text = "seen 0"});
  CHECK(world.listener->events.back().text == "seen 0");
}

TEST_CASE("a wait that fails tells what was left out, too") {
  World world;
  for (int i = 0; i < 100; ++i) {
    world.events.emit({.kind = EventKind::wait_progress, .text = fmt::format("seen {}", i)});
  }
  world.events.emit({.kind = EventKind::failure, .text = "in vain"});
  CHECK(world.listener->events.back().kind == EventKind::failure);
  CHECK(world.listener->events[world.listener->events.size() - 2].text ==
        "60 more reports of progress left out here");
}

TEST_CASE("warnings that repeat are told once, and how many were left out") {
  World world;
  for (int i = 0; i < 1000; ++i) {
    world.events.emit({.kind = EventKind::warning, .text = "cannot be reached; trying again"});
    world.events.emit({.kind = EventKind::warning, .text = fmt::format("warning {}", i)});
  }
  world.events.emit({.kind = EventKind::run_ended, .text = "Done."});
  CHECK(count(*world.listener, EventKind::warning) == most_warnings);
  CHECK(world.listener->events[world.listener->events.size() - 2].text.starts_with(
      "1900 warnings left out"));
}

TEST_CASE("a line that several commands say to the operator is told once") {
  World world;
  const auto told = [&](std::string aside) {
    world.events.emit({.kind = EventKind::command_ended, .aside = std::move(aside)});
    return world.listener->events.back().aside;
  };
  CHECK(told("expired\nexpired\nlog in\n") == "expired\nlog in\n");
  CHECK(told("expired\nlog in\n").empty());
  // A second login has a code of its own.
  CHECK(told("enter the code 482913\n") == "enter the code 482913\n");
  CHECK(told("enter the code 771204\n") == "enter the code 771204\n");
}

TEST_CASE("every text of an event is at most 8 KiB, and one line where it is a sentence") {
  World world;
  const std::string large(400'000, 'a');
  boost::json::object data{{"output", large}, {"detail", large}, {"advice", large + "\nb"}};
  data["list"] = boost::json::array{large, boost::json::object{{"name", large}}};
  boost::json::array names;
  for (int i = 0; i < 50'000; ++i) names.emplace_back(fmt::format("name-{}", i));
  data["names"] = names;
  for (const auto kind : {EventKind::finding, EventKind::failure, EventKind::warning}) {
    world.events.emit({.kind = kind, .text = large, .data = data});
    const auto& event = world.listener->events.back();
    CHECK(event.text.size() <= most_text);
    CHECK(event.text.find("bytes left out") != std::string::npos);
    for (const auto* key : {"output", "detail", "advice"}) {
      CHECK(event.data.at(key).as_string().size() <= most_text);
    }
    CHECK(event.data.at("advice").as_string().find('\n') == boost::json::string::npos);
    CHECK(event.data.at("list").at(0).as_string().size() <= most_text);
    CHECK(event.data.at("list").at(1).at("name").as_string().size() <= most_text);
    const auto& list = event.data.at("names").as_array();
    CHECK(list.size() < 8000);
    CHECK(std::string(list.back().as_string()) == fmt::format("… {} more", 50'001 - list.size()));
    CHECK(json_line(event).size() < 120 * 1024);
  }
  world.events.emit({.kind = EventKind::failure, .text = "a\nDone. Exit status 0."});
  CHECK(world.listener->events.back().text == "a Done. Exit status 0.");
}

TEST_CASE("a plan is shown whole, as far as a person can read one") {
  World world;
  world.events.emit({.kind = EventKind::plan, .text = std::string(60'000, 'a')});
  CHECK(world.listener->events.back().text.size() == 60'000);
  world.events.emit({.kind = EventKind::plan, .text = std::string(600'000, 'a')});
  CHECK(world.listener->events.back().text.size() < 65 * 1024);
}

TEST_CASE("what was changed is told, however much came before") {
  World world;
  for (int i = 0; i < 200; ++i) {
    world.events.emit({.kind = EventKind::step_ended, .text = std::string(10'000, 'a')});
  }
  world.events.emit({.kind = EventKind::change, .text = "saved x", .data = {{"sha256", "abc"}}});
  CHECK(world.listener->events.back().text == "saved x");
}

TEST_CASE("a transcript stays under 1 MiB, and tells what is missing") {
  // Changes are retrust's own, and few.
  for (const auto flood : {EventKind::finding, EventKind::command_ended, EventKind::warning,
                           EventKind::wait_progress, EventKind::difference}) {
    CAPTURE(name_of(flood));
    World world;
    world.events.emit({.kind = EventKind::run_started, .text = "retrust run"});
    for (int i = 0; i < 200; ++i) {
      const auto text = fmt::format("{} {}", i, std::string(10'000, '"'));
      world.events.emit({.kind = flood,
                         .section = fmt::format("{}", i % 7),
                         .text = text,
                         .data = {{"name", text}, {"output", text}, {"command", text}}});
    }
    world.events.emit({.kind = EventKind::run_ended, .text = "Done.", .data = {{"status", 0}}});
    CHECK(world.listener->written < 1024 * 1024);
    CHECK(document(world.listener->events).size() < 1024 * 1024);
    CHECK(world.listener->events.back().kind == EventKind::run_ended);
  }
}

}  // namespace
}  // namespace retrust
