#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/folder.h"

namespace retrust {

/// The JSON files under backup/ of a run's folder, read with the distrust of others' files. The
/// folder and the files must be the caller's (see Folder). Each file must match its record in the
/// run's transcript.
class SavedFiles {
 public:
  /// Limits of a file's size and of the number of files.
  static constexpr std::size_t most_bytes = 4UL * 1024 * 1024;
  static constexpr std::size_t most_files = 1000;

  /// Opens the folder and reads the transcript. Throws Failure (usage) if the folder is no run's,
  /// and as Folder does.
  explicit SavedFiles(const std::filesystem::path& run_folder);

  /// Names with the prefix and the end ".json", in the order of their writing.
  std::vector<std::string> beginning_with(std::string_view prefix) const;
  /// Reads a file. Throws Failure (refused) if the file is too large or no JSON, or if its SHA-256
  /// differs from the transcript's.
  boost::json::value read(const std::string& name) const;

  /// True if the transcript holds SHA-256s: that of retrust 0.1.0 holds none.
  bool has_records() const { return !records_.empty(); }
  bool is_recorded(const std::string& name) const { return records_.contains(name); }
  const Folder& backup() const { return backup_; }

 private:
  void compare(const std::string& name, std::string_view content) const;

  Folder folder_;
  Folder backup_;
  std::map<std::string, DisplayText> records_;  ///< SHA-256 by file name
};

}  // namespace retrust
