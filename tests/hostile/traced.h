#pragma once

#include <chrono>

#include "child.h"

namespace retrust::hostile {

/// How a program ended.
struct Ended {
  int status = -1;    ///< exit status, or 128 + the signal that killed it
  long peak_kib = 0;  ///< most memory that the program itself had, without its children
  enum class Pace { in_time, too_late } pace = Pace::in_time;  ///< too late: it was killed
};

/// Runs a program to its end, its output in two files as those of an e2e::Child. It is traced to
/// its end, as wait4 tells the memory of a program and its children together.
Ended run_traced(const e2e::Child::Setup& setup, std::chrono::seconds limit);

}  // namespace retrust::hostile
