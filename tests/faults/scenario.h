#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "calls.h"
#include "sandbox.h"

namespace retrust::faults {

/// A call of retrust in which something goes wrong, and its clusters.
struct Scenario {
  std::string name;
  hostile::Command command;  ///< in the first of its worlds
  enum class Reads { session, processes } reads = Reads::session;
  std::string patience = "6s";  ///< of one wait; short where a wait is in vain anyway
  int status = 0;               ///< where nothing goes wrong
  /// Without an end of time for what it waits for: nothing hangs there.
  enum class Backs { not_up, up } backs = Backs::not_up;
};

const std::vector<Scenario>& scenarios();
const Scenario& scenario_named(const std::string& name);

/// Puts the stand-in in the place of every program that scenarios use, for all later sandboxes of
/// this process; the folder with its names goes with the object.
class StandIns {
 public:
  StandIns();
  ~StandIns();
  StandIns(const StandIns&) = delete;
  StandIns& operator=(const StandIns&) = delete;

 private:
  std::filesystem::path folder_;
};

}  // namespace retrust::faults
