#pragma once

#include <cstddef>
#include <filesystem>

namespace retrust::faults {

/// A file system in memory on a folder, seen by this process and its children alone.
class Mounted {
 public:
  enum class Access { read_write, read_only };
  /// `kib`: its size.
  Mounted(std::filesystem::path folder, std::size_t kib, Access access);
  ~Mounted();
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  /// False where this machine does not permit it.
  bool is_there() const { return there_; }
  /// Takes it away, so that the folder is as it was before.
  void remove();

 private:
  std::filesystem::path folder_;
  bool there_ = false;
};

}  // namespace retrust::faults
