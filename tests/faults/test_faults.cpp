// A run in which one thing fails: a documented exit status, one true message, nothing left behind,
// and the next run finishes.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "fault.h"
#include "side_by_side.h"

namespace retrust::faults {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using Strings = std::vector<std::string>;

std::string setting(const char* name, const std::string& standard) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? standard : value;
}

json::array array_of(const Strings& strings) {
  return json::array(strings.begin(), strings.end());
}

Strings strings_of(const json::value& array) {
  Strings strings;
  for (const auto& each : array.as_array()) strings.emplace_back(each.as_string());
  return strings;
}

/// What was learnt of one scenario.
struct Learnt {
  std::vector<Fault> faults;
  Strings touched;
};
using AllLearnt = std::map<std::string, Learnt>;

json::object told(const Scenario& scenario) {
  Baseline baseline;
  try {
    baseline = baseline_of(scenario);
  } catch (const std::exception& error) {
    baseline.complaints = {"sandbox: " + std::string(error.what()).substr(0, 200)};
  }
  json::object line;
  line["scenario"] = scenario.name;
  line["complaints"] = array_of(baseline.complaints);
  line["touched"] = array_of(baseline.touched);
  json::array faults;
  for (const auto& fault : baseline.faults) {
    faults.push_back(json::array{fault.kind, fault.spec, fault.what});
  }
  line["faults"] = std::move(faults);
  return line;
}

AllLearnt learnt_of(const std::vector<Scenario>& of) {
  const std::regex kinds(setting("KINDS", ""));
  AllLearnt all;
  const auto lines = e2e::side_by_side(of.size(), Clock::time_point::max(),
                                       [&](std::size_t index) { return told(of[index]); });
  for (const auto& line : lines) {
    const std::string name(line.at("scenario").as_string());
    for (const auto& each : strings_of(line.at("complaints"))) {
      FAIL_CHECK(name << ", where nothing goes wrong: " << each);
    }
    auto& learnt = all[name];
    learnt.touched = strings_of(line.at("touched"));
    for (const auto& each : line.at("faults").as_array()) {
      const auto parts = strings_of(each);
      if (!std::regex_search(parts[0] + " " + parts[1] + " # " + parts[2], kinds)) continue;
      learnt.faults.push_back(
          {.scenario = name, .kind = parts[0], .spec = parts[1], .what = parts[2]});
    }
  }
  return all;
}

/// What a fault is about, the same in each sandbox: without its number, and without random parts.
std::string general(const Fault& fault) {
  static const std::regex random(
      "/[^ ]*/retrust-[a-z]+-[A-Za-z0-9]{6}|-[a-f0-9]{8,10}(-[a-z0-9]{5})?|-[a-z0-9]{5}|[0-9]+");
  const auto how = fault.kind == "call" || fault.kind == "exchange"
                       ? fault.spec.substr(fault.spec.rfind(' '))
                   : fault.kind == "kill" || fault.kind == "error"
                       ? fault.spec.substr(0, fault.spec.find(' ', fault.spec.find(' ') + 1))
                       : fault.spec;
  return fault.kind + " " + how + " " + std::regex_replace(fault.what, random, "#");
}

/// Leaves out what an earlier scenario has, where a scenario has only new faults.
void leave_out_known(AllLearnt& all) {
  std::set<std::string> known;
  for (const auto& scenario : scenarios()) {
    const auto learnt = all.find(scenario.name);
    if (learnt == all.end()) continue;
    std::set<std::string> own;
    std::vector<Fault> left;
    for (auto& fault : learnt->second.faults) {
      const auto name = general(fault);
      if (scenario.part == Scenario::Part::all || (!known.contains(name) && !own.contains(name))) {
        left.push_back(std::move(fault));
      }
      own.insert(name);
    }
    known.merge(own);
    learnt->second.faults = std::move(left);
  }
}

/// Each kind in each scenario comes by once before any comes by again.
std::vector<Fault> in_order(const AllLearnt& all, std::mt19937& random) {
  std::map<std::pair<std::string, std::string>, std::vector<Fault>> groups;
  for (const auto& [name, learnt] : all) {
    for (const auto& fault : learnt.faults) groups[{name, fault.kind}].push_back(fault);
  }
  struct Turn {
    std::size_t round;
    std::mt19937::result_type order;
    Fault fault;
  };
  std::vector<Turn> turns;
  for (auto& [name, group] : groups) {
    std::shuffle(group.begin(), group.end(), random);
    for (std::size_t round = 0; round < group.size(); ++round) {
      turns.push_back({round, random(), group[round]});
    }
  }
  std::sort(turns.begin(), turns.end(), [](const Turn& left, const Turn& right) {
    return std::tie(left.round, left.order) < std::tie(right.round, right.order);
  });
  std::vector<Fault> faults;
  for (auto& turn : turns) faults.push_back(std::move(turn.fault));
  return faults;
}

json::object told(const Fault& fault, const Strings& touched) {
  Seen seen;
  try {
    seen = performed(fault, touched);
  } catch (const std::exception& error) {
    seen.complaints = {"sandbox: " + std::string(error.what()).substr(0, 200)};
  }
  json::object line;
  line["fault"] = fault.text() + (fault.what.empty() ? "" : "   # " + fault.what);
  line["kind"] = fault.kind;
  line["status"] = seen.status;
  line["happened"] = seen.happened == Seen::Happened::yes           ? "yes"
                     : seen.happened == Seen::Happened::not_reached ? "not reached"
                                                                    : "not permitted";
  line["complaints"] = array_of(seen.complaints);
  return line;
}

/// What is known in the end, and how it is told.
class Tally {
 public:
  void add(const json::value& line) {
    const std::string kind(line.at("kind").as_string());
    const std::string happened(line.at("happened").as_string());
    const std::string fault(line.at("fault").as_string());
    if (happened == "not permitted") {
      ++not_permitted_[kind];
      return;
    }
    ++faults_;
    if (happened == "not reached") ++not_reached_;
    ++outcomes_[kind][line.at("status").to_number<int>()];
    const auto complaints = strings_of(line.at("complaints"));
    if (!complaints.empty()) ++failed_;
    std::set<std::string> kinds;
    for (const auto& complaint : complaints) {
      const auto what = complaint.substr(0, complaint.find(": "));
      kinds.insert(what);
      examples_[what].push_back(complaint + "\n      FAULT='" + fault + "'");
    }
    for (const auto& each : kinds) ++kinds_[each];
  }

  std::string text() const {
    std::string text;
    const auto most = std::stoul(setting("EXAMPLES", "20"));
    for (const auto& [kind, examples] : examples_) {
      text += fmt::format("{}: {} injections\n", kind, kinds_.at(kind));
      for (std::size_t i = 0; i < std::min<std::size_t>(most, examples.size()); ++i) {
        text += "    " + examples[i] + "\n";
      }
    }
    for (const auto& [kind, statuses] : outcomes_) {
      text += fmt::format("{:<9}", kind);
      for (const auto& [status, count] : statuses) {
        text += fmt::format(" status {}: {};", status, count);
      }
      text.back() = '\n';
    }
    for (const auto& [kind, count] : not_permitted_) {
      text +=
          fmt::format("NOT CHECKED, as this machine does not permit it: {} of {}\n", count, kind);
    }
    text += fmt::format("{} injections, {} of them too late to meet anything; {} with a fault\n",
                        faults_, not_reached_, failed_);
    for (const auto& each : {"status", "message", "transcript", "foreign", "secret", "process",
                             "temporary", "again", "time"}) {
      const auto found = kinds_.find(each);
      text += fmt::format("  {}: {}\n", each, found == kinds_.end() ? 0 : found->second);
    }
    return text;
  }

  std::size_t faults() const { return faults_; }
  std::size_t failed() const { return failed_; }

 private:
  std::size_t faults_ = 0;
  std::size_t not_reached_ = 0;
  std::size_t failed_ = 0;
  std::map<std::string, std::size_t> kinds_;
  std::map<std::string, std::size_t> not_permitted_;
  std::map<std::string, Strings> examples_;
  std::map<std::string, std::map<int, std::size_t>> outcomes_;
};

TEST_CASE("every failure ends with a documented status and one true message") {
  const StandIns stand_ins;
  if (const auto only = setting("FAULT", ""); !only.empty()) {
    const auto fault = parsed(only.substr(0, only.find("   # ")));
    const auto learnt = learnt_of({scenario_named(fault.scenario)});
    const auto seen = performed(fault, learnt.begin()->second.touched);
    MESSAGE("status " << seen.status);
    CHECK(seen.happened == Seen::Happened::yes);
    for (const auto& complaint : seen.complaints) FAIL_CHECK(complaint);
    return;
  }
  const auto seed = static_cast<unsigned>(
      std::stoul(setting("SEED", std::to_string(std::random_device{}() % 1'000'000))));
  const auto seconds = std::stoi(setting("SECONDS_OF_FAULTS", "0"));
  const auto part = setting("FAULTS", "");
  const auto most = part.empty() ? std::numeric_limits<std::size_t>::max() : std::stoul(part);
  const auto begin = Clock::now();
  const auto end = seconds > 0 ? begin + std::chrono::seconds{seconds} : Clock::time_point::max();
  std::mt19937 random(seed);
  const std::regex wanted(setting("SCENARIOS", ""));
  std::vector<Scenario> chosen;
  for (const auto& each : scenarios()) {
    if (std::regex_search(each.name, wanted)) chosen.push_back(each);
  }
  std::shuffle(chosen.begin(), chosen.end(), random);
  // To learn of a scenario takes as long as some faults.
  constexpr std::size_t least = 6;
  constexpr std::size_t faults_for_each = 15;
  chosen.resize(std::min(chosen.size(), std::max(least, most / faults_for_each)));
  auto learnt = learnt_of(chosen);
  if (part.empty()) leave_out_known(learnt);
  const auto faults = in_order(learnt, random);
  std::cout << fmt::format("SEED={}: {} scenarios, {} faults are known\n", seed, learnt.size(),
                           faults.size())
            << std::flush;
  Tally tally;
  const auto lines =
      e2e::side_by_side(std::min<std::size_t>(most, faults.size()), end, [&](std::size_t index) {
        const auto& fault = faults[index];
        return told(fault, learnt.at(fault.scenario).touched);
      });
  for (const auto& line : lines) tally.add(line);
  const auto took = std::chrono::duration<double, std::ratio<60>>(Clock::now() - begin).count();
  std::cout << tally.text()
            << fmt::format("{:.1f} minutes; again: SEED={}{}\n", took, seed,
                           part.empty() ? "" : " FAULTS=" + part)
            << std::flush;
  CHECK(tally.faults() > 0);
  CHECK(tally.failed() == 0);
}

}  // namespace
}  // namespace retrust::faults
