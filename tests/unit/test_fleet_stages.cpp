// The stages of a run of several clusters.
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "base/failure.h"
#include "fleet/fleet.h"
#include "process/tasks.h"

namespace retrust {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

/// How the work for a cluster goes.
enum class Fate {
  repaired,
  unneeded,  ///< nothing was needed
  refused,   ///< before the question
  turned,    ///< after the question, before a change
  broken,    ///< after a change
  healed,    ///< by somebody else, after the question
};

/// A fleet, and what happened in it.
struct World {
  explicit World(std::vector<Fate> given, FleetOptions options = {})
      : fates(std::move(given)),
        fleet(io.get_executor(), std::move(options), members(fates.size()),
              [this](Fleet::Indices clusters, Fleet::Indices canaries) -> awaitable<void> {
                log.push_back("asked about " + text(clusters) + ", first " + text(canaries));
                if (signal_at_question != 0) fleet.interrupt(signal_at_question);
                if (declined) throw Failure(FailureCode::declined, "not confirmed");
                co_return;
              }) {}

  static std::vector<FleetMember> members(std::size_t count) {
    std::vector<FleetMember> members;
    for (std::size_t i = 0; i < count; ++i) {
      const auto name = std::string(1, static_cast<char>('a' + i));
      members.push_back({"c-" + name, name, name});
    }
    return members;
  }

  static std::string text(const Fleet::Indices& indices) {
    std::string names;
    for (const auto index : indices) names += static_cast<char>('a' + index);
    return names.empty() ? "none" : names;
  }

  std::function<awaitable<void>()> shared_work(const std::string& name, Step step) {
    return [this, name, step]() -> awaitable<void> {
      log.push_back(name + (step == Step::restart_rancher ? " restarts" : " backs up"));
      if (backup_fails) throw Failure(ExitStatus::refused, "no backup");
      co_return;
    };
  }

  awaitable<FleetEnd> work(std::size_t index) {
    const auto name = text({index});
    const auto fate = fates[index];
    ++at_work;
    most_at_work = std::max(most_at_work, at_work);
    co_await pause(1ms);
    --at_work;
    if (fate == Fate::refused) co_return FleetEnd{};
    if (fate == Fate::unneeded) co_return FleetEnd{true};
    FleetEnd end;
    try {
      co_await fleet.agree(index);
      ++at_work;
      most_at_work = std::max(most_at_work, at_work);
      log.push_back(name + " begins");
      for (const auto step : shared) {
        auto work_of_step = shared_work(name, step);
        const auto by = co_await fleet.share(index, step, std::move(work_of_step));
        if (!by.empty()) log.push_back(name + " follows " + by);
      }
      co_await pause(1ms);
      end.changed = fate == Fate::repaired || fate == Fate::broken;
      end.good = fate == Fate::repaired || fate == Fate::healed;
      --at_work;
    } catch (const Interrupted& by) {
      end.interrupted = true;
      log.push_back(name + " interrupted");
      co_return end;
    } catch (const Failure& failure) {
      log.push_back(name + ": " + failure.what());
      co_return end;
    }
    log.push_back(name + (end.good ? " ends" : " fails"));
    co_return end;
  }

  void run() {
    boost::asio::co_spawn(io, fleet.run([this](std::size_t index) { return work(index); }),
                          [](std::exception_ptr error) {
                            if (error) std::rethrow_exception(error);
                          });
    io.run();
  }

  /// The place of a line in the log; the number of lines if it is not there.
  std::size_t at(const std::string& line) const {
    return static_cast<std::size_t>(std::find(log.begin(), log.end(), line) - log.begin());
  }
  bool happened(const std::string& line) const { return at(line) < log.size(); }
  bool happened_with(const std::string& words) const {
    return std::any_of(log.begin(), log.end(), [&](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  }

  boost::asio::io_context io;
  std::vector<Fate> fates;
  std::vector<std::string> log;
  std::vector<Step> shared;
  bool declined = false;
  bool backup_fails = false;
  int signal_at_question = 0;
  std::size_t at_work = 0;
  std::size_t most_at_work = 0;
  Fleet fleet;
};

using enum Fate;

TEST_CASE("the last cluster is proven before the others begin, and one question is asked") {
  World world({repaired, unneeded, refused, repaired, repaired});
  world.run();
  CHECK(world.log.front() == "asked about ade, first e");
  CHECK(world.at("e ends") < world.at("a begins"));
  CHECK(world.at("e ends") < world.at("d begins"));
  CHECK(world.happened("a ends"));
  CHECK(world.happened("d ends"));
}

TEST_CASE("several canaries, a named one, and none at all") {
  World two({repaired, repaired, repaired}, {.canary = {.count = 2}});
  two.run();
  CHECK(two.log.front() == "asked about abc, first cb");
  CHECK(std::max(two.at("b ends"), two.at("c ends")) < two.at("a begins"));

  World named({repaired, repaired, repaired}, {.canary = {.name = "a"}});
  named.run();
  CHECK(named.log.front() == "asked about abc, first a");
  CHECK(named.at("a ends") < named.at("b begins"));

  World by_id({repaired, repaired}, {.canary = {.name = "c-a"}});
  by_id.run();
  CHECK(by_id.log.front() == "asked about ab, first a");

  World none({repaired, repaired}, {.canary = {.count = 0}});
  none.run();
  CHECK(none.log.front() == "asked about ab, first none");
  CHECK(none.at("b begins") < none.at("a ends"));
}

TEST_CASE("a canary that is refused, or was repaired by others, is replaced by the next one") {
  for (const auto fate : {turned, healed}) {
    World world({repaired, repaired, fate});
    world.run();
    CHECK(world.at("b begins") > world.at("c begins"));
    CHECK(world.at("b ends") < world.at("a begins"));
    CHECK(world.happened("a ends"));
  }
  World nobody({turned, turned});
  nobody.run();
  CHECK(nobody.happened("a fails"));
  CHECK(nobody.happened("b fails"));
}

TEST_CASE("no other cluster begins after a canary that failed") {
  World world({repaired, repaired, broken}, {.max_failures = 100});
  world.run();
  CHECK(world.happened("c fails"));
  CHECK_FALSE(world.happened("a begins"));
  CHECK_FALSE(world.happened("b begins"));
  CHECK(
      world.happened_with("a: this cluster was not begun, as the first one, c, was not repaired"));
}

TEST_CASE("after so many failures no further cluster begins, and those at work go on") {
  World world({broken, repaired, repaired, repaired, repaired}, {.parallel = 2});
  world.run();
  CHECK(world.happened("a fails"));
  CHECK(world.happened("b ends"));
  CHECK(world.happened_with("d: this cluster was not begun, as a failed after a change"));
  CHECK_FALSE(world.happened("d begins"));

  World more({broken, broken, repaired, repaired}, {.parallel = 1, .max_failures = 2});
  more.run();
  CHECK(more.happened("b begins"));
  CHECK_FALSE(more.happened("c begins"));

  // A refusal does not count.
  World refusals({turned, turned, repaired, repaired}, {.parallel = 1});
  refusals.run();
  CHECK(refusals.happened("c ends"));
}

TEST_CASE("no more clusters are at work than were allowed") {
  World world(std::vector<Fate>(12, repaired), {.parallel = 3});
  world.run();
  CHECK(world.most_at_work == 3);
}

TEST_CASE("after a no every cluster is refused, and nothing begins") {
  World world({repaired, repaired});
  world.declined = true;
  world.run();
  CHECK(world.happened("a: not confirmed"));
  CHECK(world.happened("b: not confirmed"));
  CHECK_FALSE(world.happened_with("begins"));
}

TEST_CASE("a signal ends every wait") {
  World world({repaired, repaired, repaired});
  world.signal_at_question = 2;
  world.run();
  CHECK(world.happened("a interrupted"));
  CHECK_FALSE(world.happened_with("begins"));
}

TEST_CASE("one cluster makes the backup for all, and its failure is the failure of all") {
  World world({repaired, repaired, repaired});
  world.shared = {Step::backup_etcd};
  world.run();
  CHECK(std::count(world.log.begin(), world.log.end(), "c backs up") == 1);
  CHECK_FALSE(world.happened("a backs up"));
  CHECK(world.happened("a follows c"));
  CHECK(world.at("c backs up") < world.at("a follows c"));

  World fails({repaired, repaired});
  fails.shared = {Step::backup_etcd};
  fails.backup_fails = true;
  fails.run();
  CHECK(fails.happened("b backs up"));
  CHECK_FALSE(fails.happened("a backs up"));
  CHECK(fails.happened("a: no backup"));
}

TEST_CASE("Rancher is restarted once, when every cluster is ready for it") {
  World world({repaired, broken, repaired, repaired}, {.parallel = 1, .max_failures = 5});
  world.shared = {Step::restart_rancher};
  world.run();
  const auto restarts = std::count_if(world.log.begin(), world.log.end(),
                                      [](const auto& line) { return line.ends_with("restarts"); });
  CHECK(restarts == 1);
  for (const auto* begins : {"a begins", "b begins", "c begins", "d begins"}) {
    CHECK(world.at(begins) < world.at("a restarts"));
  }
  CHECK(world.happened("d follows a"));
  CHECK(world.happened("d ends"));
  CHECK(world.most_at_work <= 4);
}

}  // namespace
}  // namespace retrust
