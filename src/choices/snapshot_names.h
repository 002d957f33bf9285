#pragma once

#include <filesystem>
#include <string>

namespace retrust {

/// The names of etcd snapshots that were given to rke from here: rke cannot list snapshots, and
/// overwrites one whose name is used again. A file with a name on each line.

/// The folder and the file must be the caller's alone. Both functions throw Untrusted where they
/// are not.

/// False where nothing can be known: no folder, no file.
bool is_remembered(const std::filesystem::path& path, const std::string& name);

/// Throws Failure where the name cannot be written down.
void remember(const std::filesystem::path& path, const std::string& name);

}  // namespace retrust
