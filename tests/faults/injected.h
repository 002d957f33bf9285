#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "child.h"
#include "traced.h"

namespace retrust::faults {

/// One system call of a program, or of a child that it has forked and that has not become another
/// program yet.
struct Point {
  std::string call;         ///< its name
  unsigned nth = 0;         ///< among those of that name, from 1
  unsigned child = 0;       ///< which child, from 1; 0: the program itself
  std::string object = {};  ///< the path that it is about, where it shows
};

/// What happens at a point.
struct Injection {
  Point at;
  enum class What { kill_before, kill_after, error } what = What::error;
  int error = 0;  ///< errno
};

/// The course of a program whose system calls were watched.
struct Course {
  hostile::Ended ended;
  std::vector<Point> points;  ///< that were passed
  enum class Reached { no, yes } reached = Reached::no;
  std::string object;  ///< of the point that was reached
};

/// Runs a program to its end. What happens before the program forbids dumps is the loader's, and
/// not counted. Not strace: its counts begin again in each child, so that it cannot name one child.
Course run_injected(const e2e::Child::Setup& setup, const std::optional<Injection>& injection,
                    std::chrono::seconds limit);

}  // namespace retrust::faults
