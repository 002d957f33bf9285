#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "process/child_setup.h"

namespace retrust {

/// Descriptors and limits of a child at its start.
struct ChildTerms {
  /// Our descriptors that become its standard input, output and errors. One of our
  /// first three can only become itself.
  std::array<int, 3> standard{};
  OnParentDeath on_parent_death = OnParentDeath::goes_on;
  std::optional<std::uint64_t> largest_file = {};
  std::optional<std::uint64_t> most_memory = {};
  /// Its soft limit of open files; ours where there is none.
  std::optional<std::uint64_t> open_files = {};
  Pace pace = Pace::ordinary;
  Terminal terminal = Terminal::kept;
};

/// Starts a program: in a process group of its own, with default signals, none held back, no other
/// descriptor of ours, and no core dumps, which hold what it knows. The child's number; it has
/// begun with its program then. Throws std::system_error, and leaves no child behind then: with
/// what exec(3) says, or what went wrong before it. Between fork and exec the child allocates
/// nothing, throws nothing, and ends at once where anything fails: it never goes on as a second
/// retrust.
pid_t start_child(const std::string& file, const std::vector<std::string>& args,
                  const ChildEnvironment& environment, const ChildTerms& terms);

}  // namespace retrust
