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

/// The JSON files under backup/ of a run's folder, read as if somebody else had written them:
/// folder and files must be the caller's (see Folder), and as the run's transcript records them.
class SavedFiles {
 public:
  /// The largest file that is read, and the most files that are looked at.
  static constexpr std::size_t most_bytes = 4UL * 1024 * 1024;
  static constexpr std::size_t most_files = 1000;

  /// Opens the folder and reads the transcript. Throws Failure (usage) where it is no run's folder,
  /// and as Folder does.
  explicit SavedFiles(const std::filesystem::path& run_folder);

  /// Names that begin so and end with ".json", the first that was written first.
  std::vector<std::string> beginning_with(std::string_view prefix) const;
  /// Throws Failure (refused) where the file is too large, is no JSON, or is not the file of which
  /// the transcript has the SHA-256.
  boost::json::value read(const std::string& name) const;

  /// Whether the transcript holds SHA-256s: that of retrust 0.1.0 holds none.
  bool has_records() const { return !records_.empty(); }
  bool is_recorded(const std::string& name) const { return records_.contains(name); }
  const Folder& backup() const { return backup_; }

 private:
  void compare(const std::string& name, std::string_view content) const;

  Folder folder_;
  Folder backup_;
  std::map<std::string, DisplayText> records_;  ///< SHA-256 by name
};

}  // namespace retrust
