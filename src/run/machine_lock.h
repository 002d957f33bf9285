#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace retrust {

/// The path of a lock file of that name: in the first of $XDG_RUNTIME_DIR, /run/lock and the folder
/// for temporary files that can be used.
std::filesystem::path lock_path(std::string_view name);

/// A lock file on this machine, for clusters that take no Lease. The kernel releases the lock when
/// the process ends (flock(2)). Children do not inherit it.
class MachineLock {
 public:
  /// An attempt to take the lock.
  struct Attempt {
    enum class Result { taken, held, failed };
    Result result = Result::failed;
    std::string holder = {};  ///< what the holder wrote into the file: see write()
    std::string why = {};     ///< the reason of a failure, e.g. "it belongs to ada"
  };

  explicit MachineLock(std::filesystem::path file) : path_(std::move(file)) {}
  ~MachineLock() { release(); }
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  /// Takes the lock, unless another process holds it. Follows no symbolic link, and trusts no file
  /// that another user owns or can write. `holder` is written into the file.
  Attempt take(std::string_view holder);
  /// Removes the file and releases the lock, if it was taken.
  void release();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor file_;
};

}  // namespace retrust
