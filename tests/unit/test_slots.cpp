// A limited number of slots for tasks side by side.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "process/slots.h"
#include "process/tasks.h"

namespace retrust {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

/// Tasks that take a slot each, and what happened.
struct World {
  explicit World(std::size_t count) : slots(io.get_executor(), count) {}

  awaitable<void> use(std::string name) {
    const auto slot = co_await slots.take();
    log += name + "(";
    co_await pause(2ms);
    log += name + ")";
  }

  void run(awaitable<void> task) {
    boost::asio::co_spawn(io, std::move(task), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    io.run();
    io.restart();
  }

  boost::asio::io_context io;
  Slots slots;
  std::string log;
};

awaitable<void> use_all(World& world, std::vector<std::string> names) {
  std::vector<awaitable<void>> tasks;
  for (auto& name : names) tasks.push_back(world.use(std::move(name)));
  co_await wait_all(std::move(tasks));
}

TEST_CASE("no more have a slot than there are, and the others get theirs in their order") {
  World one(1);
  one.run(use_all(one, {"a", "b", "c"}));
  CHECK(one.log == "a(a)b(b)c(c)");

  World two(2);
  two.run(use_all(two, {"a", "b", "c"}));
  CHECK(two.log.starts_with("a(b("));
  CHECK(two.log.find("c(") > two.log.find("a)"));
}

awaitable<void> fail() {
  co_await pause(1ms);
  throw std::runtime_error("over");
}

awaitable<void> cancel_the_second(World& world) {
  const auto slot = co_await world.slots.take();
  std::vector<awaitable<void>> tasks;
  tasks.push_back(world.use("b"));
  tasks.push_back(fail());
  try {
    // The failure ends what the other one waits for.
    co_await when_all(std::move(tasks));
  } catch (const std::runtime_error&) {
    world.log += "cancelled ";
  }
}

TEST_CASE("who is cancelled in the line takes no slot with it") {
  World world(1);
  world.run(cancel_the_second(world));
  CHECK(world.log == "cancelled ");
  world.run(use_all(world, {"c", "d"}));
  CHECK(world.log == "cancelled c(c)d(d)");
}

}  // namespace
}  // namespace retrust
