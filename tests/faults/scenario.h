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
  /// What the whole matrix has of it: everything, or only what no scenario before it has.
  enum class Part { new_faults, all } part = Part::new_faults;
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
