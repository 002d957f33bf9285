#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/folder.h"
#include "transcript/journal.h"

namespace retrust {

/// The files of a run: transcripts beside `backup/`. Directories of mode 0700, files of mode 0600.
class RunFolder {
 public:
  /// Origin of the folder's name. A name of our own gets a number if it is taken, such as by a run
  /// that began in the same second.
  enum class Name { given, own };
  enum class Content {
    run,      ///< of one cluster
    summary,  ///< of a run of several clusters: their folders, and no `backup/`
  };
  /// Creates the folder by Folder::create, or by Folder::create_new if the name is our own.
  RunFolder(const std::filesystem::path& path, Name name, Content content = Content::run);

  /// Names a folder of default_run_folder() after another word for the cluster, if the system lets
  /// it.
  void name_after(std::string_view cluster);

  /// What became of the folder, as a clause: "the run folder X was deleted". Empty while all of it
  /// is at its path.
  std::string loss() const;
  /// Throws Failure (refused) if loss() has something to say.
  void check_there() const;

  const std::filesystem::path& path() const { return folder_.path(); }
  const std::filesystem::path& backup_folder() const { return backup_->path(); }
  const Folder& folder() const { return folder_; }
  const Folder& backup() const { return *backup_; }

  /// Saves an object under backup/, and returns its path when the disk has the file. A taken name
  /// gets a number: no saved file is ever overwritten. The journal gets the file's SHA-256. `what`
  /// says what the file is, e.g. "what will be replaced".
  std::filesystem::path save(const std::string& name, const boost::json::object& object,
                             const Journal& journal, std::string what,
                             Weight weight = Weight::documented) const;

 private:
  Folder folder_;
  std::optional<Folder> backup_;
};

/// At most that many bytes of a cluster's name, fit for a file name: ASCII letters, digits, "-" and
/// "_" stay, and "_" stands for each other byte.
std::string file_name_of(std::string_view cluster, std::size_t most);

/// Name of a run's folder: retrust-<cluster>-<UTC time>, fit for a file name with any name of the
/// cluster.
std::string default_run_folder(std::string_view cluster);

/// True if a person recognizes the cluster's name by its ASCII letters and digits alone, because a
/// folder's name keeps no others: all characters are ASCII, with a letter or digit among them, or
/// at least 3 of them and half of all characters are letters or digits of ASCII.
bool names_folder(std::string_view cluster);

}  // namespace retrust
