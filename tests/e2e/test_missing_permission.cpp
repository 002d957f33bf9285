// What a user may not do is known before anything is changed.
#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sandbox.h"
#include "side_by_side.h"
#include "words.h"

namespace retrust::e2e {
namespace {

using Words = std::vector<std::string>;

/// A repair that makes use of some permissions.
struct Repair {
  const char* name;
  Words sandbox;
  Words more;
};

Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// `run`, without a question, and with short waits.
Words run_of(const Repair& repair) {
  auto words = joined({"run", "--yes", "--timeout", "4s"}, repair.more);
  if (std::find(words.begin(), words.end(), "--rancher-backup") == words.end()) {
    words.emplace_back("--no-rancher-backup");
  }
  return words;
}

/// A request of the user in the words of the sandbox's fault: "forbidden-local=get:settings".
std::string fault_of(const boost::json::value& request) {
  const auto* part = request.as_object().if_contains("subresource");
  return fmt::format("{}={}:{}{}",
                     text(request, "/server") == "local" ? "forbidden-local" : "forbidden",
                     text(request, "/verb"), text(request, "/resource"),
                     part == nullptr ? "" : "/" + std::string(part->as_string()));
}

bool is_users(const boost::json::value& request) {
  return text(request, "/user") == "admin" && !text(request, "/resource").empty();
}

/// What the run asked for at its first change or later, and not before.
std::set<std::string> asked_late(const Sandbox& sandbox) {
  std::set<std::string> early;
  std::set<std::string> late;
  auto* kind = &early;
  for (const auto& request : sandbox.requests()) {
    if (!is_users(request)) continue;
    if (is_change(request)) kind = &late;
    kind->insert(fault_of(request));
  }
  for (const auto& fault : early) late.erase(fault);
  return late;
}

TEST_CASE("a run that lacks any permission changes nothing, or ends well") {
  const std::vector<Repair> repairs{
      {"Rancher 2.1 is restarted", {"--rancher", "2.1"}, {}},
      {"Rancher 2.4 is repaired", {"--rancher", "2.4", "--fault", "agents-never-report"}, {}},
      {"Rancher 2.12 is repaired",
       {"--rancher", "2.12", "--kubernetes", "1.30", "--fault", "agents-never-report"},
       {"--repair-impersonation"}},
      {"Rancher 2.15 is repaired",
       {"--rancher", "2.15", "--kubernetes", "1.32", "--fault", "agents-never-report"},
       {}},
      {"Rancher deploys its agents again",
       {"--rancher", "2.12", "--kubernetes", "1.23", "--fault", "registration=dead"},
       {"--repair-impersonation"}},
      {"the backup operator saves Rancher, and the CA alone is repaired",
       {"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "ca-only", "--backup-operator",
        "7"},
       {"--rancher-backup"}},
      {"a hosted cluster is repaired",
       {"--rancher", "2.12", "--kubernetes", "1.23", "--driver", "EKS"},
       {}},
      {"the agents' token is missing",
       {"--rancher", "2.12", "--kubernetes", "1.24", "--fault", "no-token=late"},
       {}},
  };
  struct Trial {
    const Repair* repair;
    std::string fault;
  };
  std::vector<Trial> trials;
  for (const auto& repair : repairs) {
    Sandbox sandbox(repair.sandbox);
    const auto run = sandbox.retrust(run_of(repair));
    INFO(repair.name);
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK_FALSE(sandbox.changes().empty());
    for (const auto& fault : asked_late(sandbox)) trials.push_back({&repair, fault});
  }
  REQUIRE(trials.size() > repairs.size());

  const auto results = side_by_side(
      trials.size(), std::chrono::steady_clock::time_point::max(), [&](std::size_t number) {
        const auto& trial = trials[number];
        Sandbox sandbox(joined(trial.repair->sandbox, {"--fault", trial.fault}));
        const auto run = sandbox.retrust(run_of(*trial.repair));
        boost::json::object result;
        result["trial"] = fmt::format("{}, {}", trial.repair->name, trial.fault);
        result["status"] = run.status;
        result["changed"] = !sandbox.changes().empty();
        result["said"] = run.all();
        return result;
      });
  CHECK(results.size() == trials.size());
  std::size_t refused = 0;
  for (const auto& result : results) {
    INFO(text(result, "/trial"));
    INFO(text(result, "/said"));
    const auto status = result.at("status").as_int64();
    CHECK((status == 0 || !result.at("changed").as_bool()));
    if (status == 4) {
      ++refused;
      CHECK(has(text(result, "/said"), "a permission is missing: "));
    }
  }
  CHECK(refused > repairs.size());
}

}  // namespace
}  // namespace retrust::e2e
