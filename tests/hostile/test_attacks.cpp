// Every field that a run reads, with everything that an attacker could put there.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <stdexcept>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "attack.h"
#include "calls.h"
#include "side_by_side.h"

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

std::string setting(const char* name, const std::string& standard) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? standard : value;
}

/// Without the name of an object: what is the same field of another object.
std::string field_of(const std::string& place) {
  const auto mark = place.find('#');
  const auto end = std::min(place.find('/'), place.size());
  if (mark == std::string::npos || mark > end) return place;
  return place.substr(0, mark) + place.substr(end);
}

struct Plan {
  std::size_t fields = 0;
  std::vector<Attack> attacks;
};

/// A field of one server, at all objects that have it or at one of them alone.
struct Field {
  std::string server;
  std::string name;
  std::vector<std::string> places;
};

using Places = std::map<std::string, std::set<std::string>>;

/// Some places are read in some runs only, so a part that is repeated takes its list from a file.
void write_places(const fs::path& path, const Places& known) {
  std::ofstream file(path);
  for (const auto& [server, names] : known) {
    for (const auto& name : names) file << server << ' ' << name << '\n';
  }
}

Places read_places(const fs::path& path) {
  Places known;
  std::ifstream file(path);
  for (std::string server, name; file >> server >> name;) known[server].insert(name);
  if (known.empty()) throw std::runtime_error(path.string() + " lists no places");
  return known;
}

std::vector<Field> fields(const Places& known_places_of) {
  const std::regex wanted(setting("FIELDS", ""));
  std::vector<Field> found;
  for (const auto& [server, known_places] : known_places_of) {
    std::map<std::string, std::vector<std::string>> by_name;
    for (const auto& place : known_places) {
      const auto name = field_of(place);
      if (!std::regex_search(server + " " + name, wanted)) continue;
      auto& known = by_name[name];
      if (known.empty()) known.push_back(name);
      if (place != name) known.push_back(place);
    }
    for (auto& [name, known] : by_name) found.push_back({server, name, std::move(known)});
  }
  return found;
}

/// The servers' resources, for whole answers.
std::vector<Field> resources(const std::vector<Field>& of) {
  std::set<std::pair<std::string, std::string>> names;
  for (const auto& field : of) {
    const auto resource = field.name.substr(0, field.name.find_first_of(":/"));
    if (resource.find("reviews.") == std::string::npos) names.emplace(field.server, resource);
  }
  std::vector<Field> found;
  for (const auto& [server, name] : names) found.push_back({server, name, {name}});
  return found;
}

/// One of them by lot: the same, where others are missing.
const std::string& chosen(const std::vector<std::string>& places, const std::string& salt) {
  const auto lot = [&](const std::string& place) { return std::hash<std::string>{}(salt + place); };
  return *std::max_element(
      places.begin(), places.end(),
      [&](const std::string& left, const std::string& right) { return lot(left) < lot(right); });
}

/// Each field, and each resource, comes by once before any comes by again: with another replacement
/// then, and another command, until each had each. What a field gets does not depend on others, so
/// that a seed means the same where one is missing.
Plan planned(unsigned seed, const Places& of) {
  struct Turn {
    std::size_t round;
    std::mt19937::result_type order;
    Attack attack;
  };
  std::vector<Turn> turns;
  const std::regex wanted(setting("COMMANDS", ""));
  const auto add = [&](const std::vector<Field>& to, const std::vector<Replacement>& with) {
    for (const auto& field : to) {
      std::vector<unsigned> seeds(field.name.begin(), field.name.end());
      seeds.push_back(static_cast<unsigned>(field.server.size()));
      seeds.push_back(seed);
      std::seed_seq sequence(seeds.begin(), seeds.end());
      std::mt19937 random(sequence);
      std::vector<std::pair<Replacement, std::string>> all;
      for (const auto& each : with) {
        for (const auto& command : commands()) all.emplace_back(each, command.name);
      }
      std::shuffle(all.begin(), all.end(), random);
      for (std::size_t round = 0; round < all.size(); ++round) {
        const auto& [replacement, command] = all[round];
        const auto order = random();
        if (!std::regex_search(command, wanted)) continue;
        const auto& in = command_named(command).worlds;
        const auto& world = in[random() % in.size()];
        // All objects in every other attack, one of them alone in the others.
        const auto together = random() % 2 == 0;
        const auto salt = std::to_string(random());
        const auto& place = together ? field.places.front() : chosen(field.places, salt);
        turns.push_back({round,
                         order,
                         {.what = replacement.what,
                          .command = command,
                          .world = world,
                          .server = field.server,
                          .spec = place + " " + replacement.spec}});
      }
    }
  };
  const auto known = fields(of);
  add(known, replacements());
  add(resources(known), behaviours());
  std::sort(turns.begin(), turns.end(), [](const Turn& left, const Turn& right) {
    return std::tie(left.round, left.order, left.attack.spec) <
           std::tie(right.round, right.order, right.attack.spec);
  });
  Plan plan{.fields = known.size(), .attacks = {}};
  for (auto& turn : turns) plan.attacks.push_back(std::move(turn.attack));
  return plan;
}

/// Its result as a line of JSON.
json::object told(const Attack& attack) {
  Seen seen;
  try {
    seen = performed(attack);
  } catch (const std::exception& error) {
    seen.complaints = {"sandbox: " + std::string(error.what()).substr(0, 200)};
  }
  json::object line;
  line["attack"] = attack.text();
  line["status"] = seen.ended.status;
  line["peak"] = seen.ended.peak_kib;
  line["transcript"] = seen.largest_transcript;
  line["complaints"] = json::array(seen.complaints.begin(), seen.complaints.end());
  return line;
}

/// What is known in the end, and how it is told.
class Tally {
 public:
  void add(const json::value& line) {
    ++attacks_;
    const std::string attack(line.at("attack").as_string());
    const auto peak = line.at("peak").to_number<std::int64_t>();
    if (peak > peak_) {
      peak_ = peak;
      peak_of_ = attack;
    }
    const auto transcript = line.at("transcript").to_number<std::int64_t>();
    if (transcript > transcript_) {
      transcript_ = transcript;
      transcript_of_ = attack;
    }
    ++statuses_[line.at("status").to_number<std::int64_t>()];
    for (const auto& each : line.at("complaints").as_array()) {
      const std::string complaint(each.as_string());
      const auto kind = complaint.substr(0, complaint.find(": "));
      const auto what = attack.substr(0, attack.find(" | "));
      ++kinds_[kind][what];
      auto& examples = examples_[kind];
      if (examples.size() < 12) examples.push_back(complaint + "\n      " + attack);
    }
    if (!line.at("complaints").as_array().empty()) ++failed_;
  }

  std::string text() const {
    std::string text;
    for (const auto& [kind, whats] : kinds_) {
      text += fmt::format("{}:", kind);
      for (const auto& [what, count] : whats) text += fmt::format(" {} ({}),", what, count);
      text.back() = '\n';
      for (const auto& example : examples_.at(kind)) text += "    " + example + "\n";
    }
    text += fmt::format("{} attacks, {} did harm; statuses:", attacks_, failed_);
    for (const auto& [status, count] : statuses_) text += fmt::format(" {} ({})", status, count);
    text +=
        fmt::format("\npeak memory {:.1f} MiB: {}\n", static_cast<double>(peak_) / 1024, peak_of_);
    text += fmt::format("largest transcript {} bytes: {}\n", transcript_, transcript_of_);
    return text;
  }

  std::size_t attacks() const { return attacks_; }
  std::size_t failed() const { return failed_; }

 private:
  std::size_t attacks_ = 0;
  std::size_t failed_ = 0;
  std::int64_t peak_ = 0;
  std::int64_t transcript_ = 0;
  std::string peak_of_;
  std::string transcript_of_;
  std::map<std::int64_t, std::size_t> statuses_;
  std::map<std::string, std::map<std::string, std::size_t>> kinds_;
  std::map<std::string, std::vector<std::string>> examples_;
};

TEST_CASE("no answer of an API server harms the operator") {
  if (const auto only = setting("ATTACK", ""); !only.empty()) {
    const auto seen = performed(parsed(only));
    MESSAGE(fmt::format("status {}, {} KiB, transcript of {} bytes", seen.ended.status,
                        seen.ended.peak_kib, seen.largest_transcript));
    for (const auto& complaint : seen.complaints) FAIL_CHECK(complaint);
    return;
  }
  const auto seconds = std::stoi(setting("SECONDS_OF_ATTACK", "0"));
  const auto seed = static_cast<unsigned>(
      std::stoul(setting("SEED", std::to_string(std::random_device{}() % 1'000'000))));
  const auto most = std::stoul(setting("ATTACKS", "10000000"));
  const auto begin = Clock::now();
  auto list = fs::path(setting("PLACES", ""));
  if (list.empty()) {
    list = fs::current_path() / fmt::format("hostile-places-{}", seed);
    write_places(list, places());
  }
  const auto plan = planned(seed, read_places(list));
  std::cout << fmt::format("SEED={}: {} fields, {} attacks are known\n", seed, plan.fields,
                           plan.attacks.size())
            << std::flush;
  const auto end = seconds > 0 ? begin + std::chrono::seconds{seconds} : Clock::time_point::max();
  Tally tally;
  const auto results =
      e2e::side_by_side(std::min(most, plan.attacks.size()), end,
                        [&](std::size_t index) { return told(plan.attacks[index]); });
  for (const auto& line : results) tally.add(line);
  const auto took = std::chrono::duration<double, std::ratio<60>>(Clock::now() - begin).count();
  std::cout << tally.text()
            << fmt::format(
                   "{} fields, {:.0f} attacks in a minute; again: SEED={} ATTACKS={} PLACES={}\n",
                   plan.fields, static_cast<double>(tally.attacks()) / took, seed, tally.attacks(),
                   list.string())
            << std::flush;
  CHECK(tally.attacks() > 0);
  CHECK(tally.failed() == 0);
}

TEST_CASE("a seed and a list of places mean the same attacks in the same order") {
  if (!setting("ATTACK", "").empty()) return;
  auto path = (fs::temp_directory_path() / "retrust-places-XXXXXX").string();
  const auto file = ::mkstemp(path.data());
  REQUIRE(file >= 0);
  ::close(file);
  const auto known = places();
  write_places(path, known);
  const auto texts = [](const Plan& plan) {
    std::vector<std::string> all;
    for (const auto& attack : plan.attacks) all.push_back(attack.text());
    return all;
  };
  const auto same = texts(planned(1, known)) == texts(planned(1, read_places(path)));
  CHECK(same);
  fs::remove(path);
}

}  // namespace
}  // namespace retrust::hostile
