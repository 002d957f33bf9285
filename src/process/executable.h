#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "process/process.h"

namespace retrust {

/// The outcome of a command that was never started, and why.
Outcome never_started(Ending why, std::string_view program, std::string_view reason);

/// Whether a path can be executed as far as its file tells: `exited` where it can, otherwise
/// what never_started says.
Outcome check_executable(const std::string& path);

/// True if an interpreter runs the program: the file begins with "#!".
bool is_script(const std::string& path);

/// The absolute path of a program: a bare name is looked up on PATH. If PATH has no such program,
/// the name comes back as it is.
std::string absolute_program(const std::string& program);

/// The value of PATH, empty if PATH is not set.
std::string search_path();

/// The first entry of a PATH that is no absolute path; an empty one means the current folder.
/// Nothing for a PATH without any entry.
std::optional<std::string> relative_entry(std::string_view path);

/// HOME, or the caller's home by the user database where HOME is not set: programs would look for
/// their files in the current folder, which may be anybody's.
std::string home_folder();

/// A PATH without relative entries.
std::string without_relative_entries(std::string_view path);

}  // namespace retrust
