#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "process/process.h"

namespace retrust {

/// The first argument that makes a process a guard.
inline constexpr const char* guard_word = "--session-guard";

/// A command whose process group ends when the write end of its input pipe closes, also after
/// SIGKILL to this process. The guard then removes the folder and the files named in guard.cpp.
///
/// PR_SET_PDEATHSIG alone would end a wrapper script and leave the program that the script started.
/// A guard process is therefore the parent of the command: this program itself, started again.
/// `input` is the read end; it stays the caller's.
Command guarded_command(std::string program, std::vector<std::string> args,
                        const std::filesystem::path& folder, int input);

/// Runs as a guard and returns its exit status, or returns nothing if the arguments name no guard.
std::optional<int> run_as_guard(const std::vector<std::string>& args);

}  // namespace retrust
