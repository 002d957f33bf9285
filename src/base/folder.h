#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/trust.h"

namespace retrust {

/// A folder that the caller alone can change, held by its descriptor: whoever renames it, or puts a
/// symbolic link in its place, does not move what is written or read here. Names are those of
/// direct members; "a/b" and ".." are refused. Copies share the descriptor.
/// Throws Untrusted where another user owns or can write something, or where a symbolic link
/// stands; Failure (refused) where the system fails.
class Folder {
 public:
  /// Creates a folder with mode 0700, and missing parents alike. An existing one is taken if it is
  /// an empty directory. Throws Failure (usage) where something is there already.
  static Folder create(const std::filesystem::path& path);
  /// Creates a folder like that, but takes none that exists: where the name is taken, even by an
  /// empty folder, "-2" is added to it, then "-3" and so on.
  static Folder create_new(const std::filesystem::path& path);
  /// Opens a folder, or creates it.
  static Folder open_or_create(const std::filesystem::path& path);
  /// Opens a folder; nothing where there is none.
  static std::optional<Folder> open(const std::filesystem::path& path);

  /// Creates a folder in this one, mode 0700. The name must be free.
  Folder create_folder(const std::string& name) const;
  /// Opens a folder in this one; nothing where there is none.
  std::optional<Folder> open_folder(const std::string& name) const;

  /// Creates a file for writing, mode 0600. The name must be free.
  Descriptor create_file(const std::string& name) const;
  /// Opens a regular file for reading; nothing where there is none.
  std::optional<Descriptor> open_file(const std::string& name) const;
  /// Opens a regular file to write at its end; creates it with mode 0600.
  Descriptor append_to_file(const std::string& name) const;

  bool contains(const std::string& name) const { return about(name).has_value(); }
  /// The state of a member, of a symbolic link itself; nothing where there is none.
  std::optional<struct ::stat> about(const std::string& name) const;
  /// The names of all members, sorted. Throws Failure (refused) where they are more than that.
  std::vector<std::string> names(std::size_t most) const;
  /// The names of some members, at most that many.
  std::vector<std::string> some_names(std::size_t most) const;

  /// Moves a file to another folder, or name, and waits for the disk. Never replaces a file.
  void move(const std::string& name, const Folder& to, const std::string& new_name) const;
  /// Gives a file another name in this folder, in the place of the file that has it.
  void replace(const std::string& name, const std::string& new_name) const;
  /// Waits until the disk has the names of the members, and the folder's own in its parent.
  void synchronise() const;
  /// Removes a file, or an empty folder, where it is there.
  void remove(const std::string& name) const noexcept;
  /// Removes a folder with all its contents, as far as the system allows.
  void remove_tree(const std::string& name) const noexcept;

  /// Gives the folder another name in its parent, as create_new does. Copies know the new path.
  /// False where the system does not rename it, or something else is at its path: nothing changes.
  bool rename_new(const std::string& name) const;

  /// What became of the folder since it was opened.
  enum class Whereabouts { at_its_path, elsewhere, deleted };
  Whereabouts whereabouts() const;

  /// The path as the operator gave it, for messages.
  const std::filesystem::path& path() const { return held_->path; }
  std::filesystem::path path_of(std::string_view name) const { return path() / name; }
  /// The path for a child that works there. Throws Untrusted where the path leads elsewhere by
  /// now.
  std::filesystem::path path_for_child() const;
  /// The descriptor, for calls that end in "at".
  int number() const { return held_->descriptor.get(); }

 private:
  Folder(Descriptor descriptor, std::filesystem::path path, std::filesystem::path top);
  static Folder at(int parent, const std::string& name, std::filesystem::path path,
                   std::filesystem::path top);
  std::optional<Descriptor> open_member(const std::string& name, int flags) const;
  bool is_at_its_path() const;

  /// What copies share.
  struct Held {
    Descriptor descriptor;
    std::filesystem::path path;
    std::filesystem::path top;  ///< what is given to chown -R: the outermost of our folders
  };
  std::shared_ptr<Held> held_;
};

/// Waits until the disk has a file or a folder; false, with errno, where it fails. Some file
/// systems cannot synchronise, and need not.
bool synchronised(const Descriptor& descriptor);

/// Writes all of a text. False, with errno, where that fails.
bool write_all(const Descriptor& descriptor, std::string_view text);

/// True if the path does not exist. A path that we may not look at is not missing.
bool is_missing(const std::filesystem::path& path);

/// The shell command after which the caller alone owns and can write a folder and its contents.
std::string mending_command(const std::filesystem::path& folder);

}  // namespace retrust
