#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace retrust {

/// The files of a run: transcripts beside `backup/`. Directories of mode 0700, files of mode 0600.
class RunFolder {
 public:
  /// Makes it. Throws Failure (usage) where there is something in it, (refused) where it cannot be
  /// made.
  explicit RunFolder(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path backup_folder() const { return path_ / "backup"; }

  /// Saves an object under backup/, on the disk before this returns; its path. A name that is taken
  /// gets a number: nothing saved is ever overwritten.
  std::filesystem::path save(std::string_view name, const boost::json::object& object);

 private:
  std::filesystem::path path_;
};

/// retrust-<cluster>-<UTC time>, fit for a file name whatever the cluster is called.
std::string default_run_folder(std::string_view cluster);

}  // namespace retrust
