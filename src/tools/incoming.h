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

/// A hidden folder in another one, for a file that a child writes there. It is gone, with all in
/// it, at the end: only what was checked gets a name beside it.
class Incoming {
 public:
  /// Throws as Folder does if it cannot be made.
  explicit Incoming(Folder around);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  /// Absolute, so that docker cannot take it for an option or a container.
  const std::filesystem::path& path() const { return path_; }

  /// Bytes that files here may still grow by: what is free, less a reserve for the transcript.
  std::uint64_t room() const;

  /// Says what is wrong with what has come by now; nothing where it is one regular file of this
  /// name, or nothing yet.
  std::optional<std::string> wrong(const std::string& name) const;

  /// Bytes that the file has by now; 0 if it is not there.
  std::uint64_t size_of(const std::string& name) const;

  /// Opens the file to read it, and makes its mode 0600. Throws std::runtime_error if there is
  /// none, or anything but a regular file of this user that has no second name.
  Descriptor open(const std::string& name) const;

  /// Returns when the disk has the file that was opened, under `name` in the folder around this
  /// one. Never takes the place of another file. Throws Failure (refused).
  void keep(const std::string& name, const Descriptor& opened) const;

 private:
  Folder around_;
  std::filesystem::path path_;
  Folder inside_;
  std::uint64_t reserve_ = 0;
};

/// What a backup archive was found to hold.
struct ArchiveSummary {
  std::uint64_t bytes = 0;  ///< of the archive itself
  std::uint64_t files = 0;  ///< that tar lists below the folder that was asked for
  std::string sha256 = {};  ///< of the archive, as hexadecimal digits
};

/// Bytes of an open file.
std::uint64_t size_of(const Descriptor& file);

/// SHA-256 of an open file, from its beginning, as hexadecimal digits. Leaves its position alone,
/// and lets others work meanwhile. Throws std::system_error.
boost::asio::awaitable<std::string> sha256_of(const Descriptor& file);

/// Counts what `tar -t` lists below a folder, without keeping it.
class ListingCount {
 public:
  /// `folder` as tar lists it, without a slash at either end.
  explicit ListingCount(std::string_view folder);

  void feed(std::string_view piece) { lines_.feed(piece); }
  /// Names below the folder that are no folders themselves.
  std::uint64_t files() const { return files_; }

 private:
  std::string below_;
  std::uint64_t files_ = 0;
  LineSplitter lines_;
};

}  // namespace retrust
