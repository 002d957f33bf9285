#pragma once

#include <string>
#include <vector>

#include "scenario.h"

namespace retrust::faults {

/// Something that goes wrong once in a scenario.
struct Fault {
  std::string scenario;
  /// call: "kubectl 7 hang" · exchange: "12 503" · kill: "before|after CALL N [CHILD]" ·
  /// error: "EIO CALL N [CHILD]" · limit: "-n 12" · disk: "full|read-only PLACE [KIB]"
  std::string kind;
  std::string spec;
  std::string what = {};  ///< the thing that it is about, for people: arguments, a path
  std::string text() const { return scenario + " | " + kind + " | " + spec; }
};
/// Takes a fault's text back.
Fault parsed(const std::string& text);

/// What a scenario does where nothing goes wrong.
struct Baseline {
  std::vector<std::string> complaints;
  std::vector<Fault> faults;         ///< all that can go wrong
  std::vector<std::string> touched;  ///< objects that change, by their general names
};
Baseline baseline_of(const Scenario& scenario);

/// What came of a fault.
struct Seen {
  int status = -1;
  /// not_permitted: this machine does not let it be tried.
  enum class Happened { yes, not_reached, not_permitted } happened = Happened::yes;
  std::vector<std::string> complaints;  ///< first the kind of each, then ": "
};
Seen performed(const Fault& fault, const std::vector<std::string>& touched);

}  // namespace retrust::faults
