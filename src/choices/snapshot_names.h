#pragma once

#include <filesystem>
#include <string>

namespace retrust {

/// The names of etcd snapshots that were given to rke from here: rke cannot list snapshots, and
/// overwrites one whose name is used again. A file with a name on each line.

/// The folder and the file must be the caller's alone. Both functions throw Untrusted where they
/// are not.

/// True if the list has the name. False if there is no list.
bool is_remembered(const std::filesystem::path& path, const std::string& name);

/// Adds a name to the list. Throws Failure if the list cannot be written.
void remember(const std::filesystem::path& path, const std::string& name);

}  // namespace retrust
