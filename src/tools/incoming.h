#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/folder.h"
#include "base/lines.h"

namespace retrust {

/// A hidden folder in another folder, for a file that a child writes. The folder and its content
/// are gone at the end: only a checked file gets a name beside the folder.
class Incoming {
 public:
  /// Makes the folder. Throws as Folder does.
  explicit Incoming(Folder around);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  /// The absolute path, which docker cannot take for an option or a container.
  const std::filesystem::path& path() const { return path_; }

  /// Bytes that files here may still grow by: the free space less a reserve for the transcript.
  std::uint64_t room() const;

  /// The fault in the folder's content. Nothing if the folder is empty or holds one regular file of
  /// this name.
  std::optional<std::string> wrong(const std::string& name) const;

  /// The present size of the file in bytes; 0 if there is no file.
  std::uint64_t size_of(const std::string& name) const;

  /// Opens the file for reading and sets its mode to 0600. Throws std::runtime_error unless the
  /// file is a regular file of this user without a second name.
  Descriptor open(const std::string& name) const;

  /// Gives the opened file the name `name` in the surrounding folder, and returns once the disk has
  /// the file. Never replaces another file. Throws Failure (refused).
  void keep(const std::string& name, const Descriptor& opened) const;

 private:
  Folder around_;
  std::filesystem::path path_;
  Folder inside_;
  std::uint64_t reserve_ = 0;
};

/// Summary of a backup archive.
struct ArchiveSummary {
  std::uint64_t bytes = 0;  ///< size of the archive
  std::uint64_t files = 0;  ///< number of files that tar lists below the requested folder
  std::string sha256 = {};  ///< SHA-256 of the archive in hexadecimal digits
};

/// The size of an open file in bytes.
std::uint64_t size_of(const Descriptor& file);

/// The SHA-256 of a whole open file in hexadecimal digits. Keeps the file's position, and lets
/// others work meanwhile. Throws std::system_error.
boost::asio::awaitable<std::string> sha256_of(const Descriptor& file);

/// Counts the files that `tar -t` lists below a folder, without keeping the list.
class ListingCount {
 public:
  /// `folder` is the name as tar lists it, without a slash at either end.
  explicit ListingCount(std::string_view folder);

  void feed(std::string_view piece) { lines_.feed(piece); }
  /// Number of names below the folder that are no folders.
  std::uint64_t files() const { return files_; }

 private:
  std::string below_;
  std::uint64_t files_ = 0;
  LineSplitter lines_;
};

}  // namespace retrust
