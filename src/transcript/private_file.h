#pragma once

#include <filesystem>
#include <string_view>

namespace retrust {

/// A file of mode 0600 that is written piece by piece, each piece handed to the system at once.
/// Throws Failure (refused) where it cannot be created, because it is there already, or written.
class PrivateFile {
 public:
  explicit PrivateFile(std::filesystem::path path);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  void write(std::string_view text);
  /// Puts the text in the place of all that was written. A kill in the middle leaves a part of it,
  /// with the end of what was there.
  void rewrite(std::string_view text);
  /// Returns when the disk has it (fdatasync).
  void sync();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// A file that is there under its name whole and on the disk, or not at all: written under another
/// name beside it, which is gone again unless keep() was called. Throws as PrivateFile does.
class BackupFile {
 public:
  explicit BackupFile(std::filesystem::path path);
  ~BackupFile();
  BackupFile(const BackupFile&) = delete;
  BackupFile& operator=(const BackupFile&) = delete;

  void write(std::string_view text) { file_.write(text); }
  /// Returns when the disk has it, under its name. Never takes the place of another file.
  void keep();

 private:
  std::filesystem::path path_;
  PrivateFile file_;
};

}  // namespace retrust
