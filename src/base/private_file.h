#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/folder.h"

namespace retrust {

/// A file of mode 0600 that is written piece by piece, each piece handed to the system at once.
/// Throws Failure (refused) where it cannot be created, because it is there already, or written.
class PrivateFile {
 public:
  /// A file that must be new, or one of the caller's to which more is added.
  enum class Begin { empty, at_end };
  PrivateFile(const Folder& folder, const std::string& name, Begin begin = Begin::empty);

  /// Adds the text at the end: all of it, or nothing where it throws.
  void write(std::string_view text);
  /// Takes back what was written beyond this size in bytes, as far as the system allows.
  void take_back(std::uint64_t size) noexcept;
  /// Throws Failure (refused) if somebody deleted the file.
  void check_there() const;
  /// Size in bytes.
  std::uint64_t size() const;
  /// Waits until the disk has the file (fdatasync).
  void sync();
  std::filesystem::path path() const { return folder_.path_of(name_); }

 private:
  Folder folder_;
  std::string name_;
  Descriptor descriptor_;
};

/// A file that is there under its name whole and on the disk, or not at all: written under another
/// name beside it, which is gone again unless keep() was called. Throws as PrivateFile does.
class BackupFile {
 public:
  BackupFile(Folder folder, std::string name);
  ~BackupFile();
  BackupFile(const BackupFile&) = delete;
  BackupFile& operator=(const BackupFile&) = delete;

  void write(std::string_view text) { file_.write(text); }
  /// Waits until the disk has the file under its name. Never replaces another file.
  void keep();

 private:
  Folder folder_;
  std::string name_;
  std::string unfinished_;
  PrivateFile file_;
};

/// Whether a text that may not have reached the disk is an error.
enum class Disk { must_have_it, may_lack_it };

/// Puts a file with the text under the name, in the place of the file that was there. The file is
/// always whole, the old one or the new one, also after a kill. Throws as PrivateFile does.
void replace_file(const Folder& folder, const std::string& name, std::string_view text, Disk disk);

/// Puts a file of mode 0600 with the text at a path that the operator named, also in the place of a
/// file that was there. The file is always whole, the old one or the new one, and on the disk.
/// Throws Failure (refused) where it cannot be written.
void write_private(const std::filesystem::path& path, std::string_view text);

}  // namespace retrust
