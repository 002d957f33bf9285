#include "base/folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace retrust {
namespace {

namespace fs = std::filesystem;

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

[[noreturn]] void cannot(std::string_view what, const fs::path& path, int error) {
  const auto parent = path.parent_path();
  if (const std::error_code code(error, std::generic_category());
      is_shortage(code) && error != ENOSPC) {
    throw shortage(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)),
                   code);
  }
  throw Failure(ExitStatus::refused,
                fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)),
                {"look at its folder, and at the room on the disk",
                 fmt::format("ls -la {0}; df -h {0}", operand(parent.empty() ? "." : parent))});
}

/// What stands where a folder or file was to be opened.
enum class Found { nothing, link, folder, file, other };

std::optional<struct ::stat> state_of(int parent, const std::string& name) {
  struct ::stat state {};
  if (::fstatat(parent, name.c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return state;
}

Found what_is(int parent, const std::string& name) {
  const auto state = state_of(parent, name);
  if (!state) return Found::nothing;
  if (S_ISLNK(state->st_mode)) return Found::link;
  if (S_ISDIR(state->st_mode)) return Found::folder;
  return S_ISREG(state->st_mode) ? Found::file : Found::other;
}

[[noreturn]] void refuse_link(const fs::path& path) {
  throw Untrusted(
      fmt::format("{} is a symbolic link, and retrust does not follow one here", path.string()),
      {"name the target itself", "readlink -f " + operand(path)});
}

const std::string& checked(const std::string& name, const fs::path& folder) {
  const auto wrong = name.empty() || name == "." || name == ".." ||
                     name.find('/') != std::string::npos || name.find('\0') != std::string::npos;
  if (!wrong) return name;
  throw Failure(
      ExitStatus::refused,
      fmt::format("a file in {} cannot have the name that the cluster gives it", folder.string()),
      "no file was written; look at the names of the objects in the cluster");
}

/// The folder's parent, opened, and its name in there.
struct Place {
  Descriptor parent;
  std::string name;
};

fs::path without_slash(fs::path path) {
  while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path.has_filename() ? path : path / ".";
}

/// Parents are followed through symbolic links, as by mkdir -p: only the folder itself counts.
enum class Missing { create, leave };
std::optional<Place> place_of(const fs::path& path, Missing missing) {
  const auto parents = path.parent_path();
  constexpr int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  Descriptor here(::open(path.is_absolute() ? "/" : ".", flags));
  for (const auto& part : parents.relative_path()) {
    if (part.empty()) continue;
    Descriptor next(::openat(here.get(), part.c_str(), flags));
    if (!next && errno == ENOENT) {
      if (missing == Missing::leave) return std::nullopt;
      if (::mkdirat(here.get(), part.c_str(), 0700) != 0 && errno != EEXIST) {
        cannot("create", parents, errno);
      }
      next = Descriptor(::openat(here.get(), part.c_str(), flags | O_NOFOLLOW));
    }
    if (!next && errno == ENOTDIR && missing == Missing::leave) return std::nullopt;
    if (!next) cannot("open", parents, errno);
    here = std::move(next);
  }
  if (!here) cannot("open", parents, errno);
  return Place{std::move(here), path.filename().string()};
}

/// Calls `on_name` with the name of each member until it returns false. Returns errno where the
/// folder cannot be read, else 0.
template <typename OnName>
int each_member(int folder, OnName on_name) {
  // A descriptor of its own: closedir closes it, and reading moves its place.
  const auto number = ::openat(folder, ".", folder_flags);
  auto* const stream = number < 0 ? nullptr : ::fdopendir(number);
  if (stream == nullptr) {
    const auto error = errno;
    if (number >= 0) ::close(number);
    return error;
  }
  auto error = 0;
  for (auto more = true; more;) {
    errno = 0;
    const auto* entry = ::readdir(stream);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") more = on_name(entry->d_name);
  }
  ::closedir(stream);
  return error;
}

std::vector<std::string> members(int folder, const fs::path& path, std::size_t most) {
  std::vector<std::string> names;
  const auto error = each_member(folder, [&](const char* name) {
    if (names.size() < most) names.emplace_back(name);
    return names.size() < most;
  });
  if (error != 0) cannot("read", path, error);
  std::sort(names.begin(), names.end());
  return names;
}

/// Whether a member is a folder, which is then made the caller's to change. A link is not followed.
bool opens_as_folder(int parent, const char* name) {
  if (errno != EISDIR) return false;
  const Descriptor folder(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0) return false;
  ::chmod(fmt::format("/proc/self/fd/{}", folder.get()).c_str(), 0700);
  return true;
}

/// Removes the members of a folder. What is nested comes to the top first: a tree of any depth
/// takes neither memory nor descriptors.
void empty(int top) {
  std::size_t moved = 0;
  for (auto progress = true; progress;) {
    progress = false;
    each_member(top, [&](const char* name) {
      if (::unlinkat(top, name, 0) == 0) return progress = true;
      if (!opens_as_folder(top, name)) return true;
      const Descriptor inner(::openat(top, name, folder_flags));
      each_member(inner.get(), [&](const char* nested) {
        if (::unlinkat(inner.get(), nested, 0) == 0) return progress = true;
        if (!opens_as_folder(inner.get(), nested)) return true;
        const auto free = std::to_string(++moved);
        if (::renameat(inner.get(), nested, top, free.c_str()) == 0) progress = true;
        return true;
      });
      if (::unlinkat(top, name, AT_REMOVEDIR) == 0) progress = true;
      return true;
    });
  }
}

}  // namespace

bool synchronised(const Descriptor& descriptor) {
  return ::fdatasync(descriptor.get()) == 0 || errno == EINVAL || errno == EROFS;
}

bool write_all(const Descriptor& descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string mending_command(const fs::path& folder) {
  const auto name = operand(folder);
  return fmt::format("{} && {}", as_root(fmt::format("chown -R {}: {}", caller_name(), name)),
                     as_root(fmt::format("chmod -R go-w {}", name)));
}

Folder::Folder(Descriptor descriptor, fs::path path, fs::path top)
    : held_(std::make_shared<Held>(Held{std::move(descriptor), std::move(path), std::move(top)})) {
  const auto exposed = exposure(held_->descriptor, Owner::caller);
  if (exposed.empty()) return;
  throw Untrusted(fmt::format("{} {}: retrust uses only folders that you alone can change",
                              held_->path.string(), exposed),
                  {"if you trust what is in there", mending_command(held_->top)});
}

Folder Folder::at(int parent, const std::string& name, fs::path path, fs::path top) {
  Descriptor descriptor(::openat(parent, name.c_str(), folder_flags));
  if (!descriptor) {
    const auto error = errno;
    const auto found = what_is(parent, name);
    if (found == Found::link) refuse_link(path);
    if (found == Found::file || found == Found::other) {
      throw Failure(ExitStatus::usage, fmt::format("{} exists and is not a folder", path.string()),
                    {"see what is there", "ls -ld " + operand(path)});
    }
    cannot("open", path, error);
  }
  return Folder(std::move(descriptor), std::move(path), std::move(top));
}

Folder Folder::create(const fs::path& given) {
  const auto path = without_slash(given);
  const auto place = place_of(path, Missing::create);
  if (::mkdirat(place->parent.get(), place->name.c_str(), 0700) != 0 && errno != EEXIST) {
    cannot("create", path, errno);
  }
  // Looked at in any case: another directory may have come into its place.
  auto folder = at(place->parent.get(), place->name, path, path);
  if (!folder.some_names(1).empty()) {
    throw Failure(ExitStatus::usage,
                  fmt::format("the folder {} exists and is not empty", path.string()),
                  "name a folder that does not exist yet with --run-dir: what an earlier run wrote "
                  "is kept");
  }
  if (::fchmod(folder.number(), 0700) != 0) cannot("change the mode of", path, errno);
  return folder;
}

Folder Folder::create_new(const fs::path& given) {
  constexpr int most = 1000;
  const auto path = without_slash(given);
  const auto place = place_of(path, Missing::create);
  auto name = place->name;
  for (int number = 2; ::mkdirat(place->parent.get(), name.c_str(), 0700) != 0; ++number) {
    if (errno != EEXIST || number > most) cannot("create", path, errno);
    name = fmt::format("{}-{}", place->name, number);
  }
  const auto created = path.parent_path() / name;
  auto folder = at(place->parent.get(), name, created, created);
  if (::fchmod(folder.number(), 0700) != 0) cannot("change the mode of", created, errno);
  return folder;
}

Folder Folder::open_or_create(const fs::path& given) {
  const auto path = without_slash(given);
  const auto place = place_of(path, Missing::create);
  if (::mkdirat(place->parent.get(), place->name.c_str(), 0700) != 0 && errno != EEXIST) {
    cannot("create", path, errno);
  }
  return at(place->parent.get(), place->name, path, path);
}

std::optional<Folder> Folder::open(const fs::path& given) {
  const auto path = without_slash(given);
  const auto place = place_of(path, Missing::leave);
  if (!place || what_is(place->parent.get(), place->name) == Found::nothing) return std::nullopt;
  return at(place->parent.get(), place->name, path, path);
}

Folder Folder::create_folder(const std::string& name) const {
  const auto path = path_of(checked(name, held_->path));
  if (::mkdirat(number(), name.c_str(), 0700) != 0) cannot("create", path, errno);
  return at(number(), name, path, held_->top);
}

std::optional<Folder> Folder::open_folder(const std::string& name) const {
  const auto path = path_of(checked(name, held_->path));
  if (what_is(number(), name) == Found::nothing) return std::nullopt;
  return at(number(), name, path, held_->top);
}

Descriptor Folder::create_file(const std::string& name) const {
  const auto path = path_of(checked(name, held_->path));
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Descriptor descriptor(::openat(number(), name.c_str(), flags, 0600));
  if (!descriptor) cannot("create", path, errno);
  return descriptor;
}

std::optional<Descriptor> Folder::open_member(const std::string& name, int flags) const {
  const auto path = path_of(checked(name, held_->path));
  // O_NONBLOCK: a pipe must not keep us waiting.
  Descriptor descriptor(::openat(number(), name.c_str(),
                                 flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!descriptor) {
    const auto error = errno;
    if (error == ENOENT) return std::nullopt;
    if (what_is(number(), name) == Found::link) refuse_link(path);
    cannot("open", path, error);
  }
  struct ::stat state {};
  if (::fstat(descriptor.get(), &state) != 0) cannot("open", path, errno);
  if (!S_ISREG(state.st_mode)) {
    throw Untrusted(fmt::format("{} is not a regular file", path.string()),
                    {"retrust did not write that; see what is there", "ls -ld " + operand(path)});
  }
  const auto exposed = exposure(descriptor, Owner::caller);
  if (exposed.empty()) return descriptor;
  throw Untrusted(fmt::format("{} {}: retrust reads only files that you alone can change",
                              path.string(), exposed),
                  {"if you trust what is in there", mending_command(held_->top)});
}

std::optional<Descriptor> Folder::open_file(const std::string& name) const {
  return open_member(name, O_RDONLY);
}

Descriptor Folder::append_to_file(const std::string& name) const {
  auto descriptor = open_member(name, O_WRONLY | O_APPEND | O_CREAT);
  if (!descriptor) cannot("create", path_of(name), ENOENT);
  return std::move(*descriptor);
}

std::optional<struct ::stat> Folder::about(const std::string& name) const {
  return state_of(number(), checked(name, held_->path));
}

std::vector<std::string> Folder::some_names(std::size_t most) const {
  return members(number(), held_->path, most);
}

std::vector<std::string> Folder::names(std::size_t most) const {
  auto names = some_names(most + 1);
  if (names.size() <= most) return names;
  throw Failure(
      ExitStatus::refused, fmt::format("{} holds more than {} files", held_->path.string(), most),
      {"retrust did not write so many; see what is there", "ls -la " + operand(held_->path)});
}

void Folder::move(const std::string& name, const Folder& to, const std::string& new_name) const {
  const auto path = to.path_of(checked(new_name, to.path()));
  checked(name, held_->path);
  // A link fails where the name is taken; a rename would replace what is there.
  if (::linkat(number(), name.c_str(), to.number(), new_name.c_str(), 0) == 0) {
    ::unlinkat(number(), name.c_str(), 0);
  } else {
    const auto error = errno;
    const auto unable = error == EPERM || error == EOPNOTSUPP || error == ENOSYS;
    if (!unable || to.contains(new_name)) cannot("create", path, error);
    if (::renameat(number(), name.c_str(), to.number(), new_name.c_str()) != 0) {
      cannot("create", path, errno);
    }
  }
  if (!synchronised(to.held_->descriptor)) cannot("write", path, errno);
}

void Folder::replace(const std::string& name, const std::string& new_name) const {
  const auto path = path_of(checked(new_name, held_->path));
  checked(name, held_->path);
  if (::renameat(number(), name.c_str(), number(), new_name.c_str()) != 0) {
    cannot("write", path, errno);
  }
}

void Folder::synchronise() const {
  if (!synchronised(held_->descriptor)) cannot("write", held_->path, errno);
  // A parent that the caller may not read cannot be opened for this.
  const Descriptor parent(::openat(number(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent && !synchronised(parent)) cannot("write", held_->path, errno);
}

void Folder::remove(const std::string& name) const noexcept {
  if (::unlinkat(number(), name.c_str(), 0) != 0 && errno == EISDIR) {
    ::unlinkat(number(), name.c_str(), AT_REMOVEDIR);
  }
}

void Folder::remove_tree(const std::string& name) const noexcept {
  {
    const Descriptor tree(::openat(number(), name.c_str(), folder_flags));
    empty(tree.get());
  }
  remove(name);
}

bool Folder::is_at_its_path() const {
  struct ::stat ours {};
  struct ::stat there {};
  return ::fstat(number(), &ours) == 0 && ::lstat(held_->path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

Folder::Whereabouts Folder::whereabouts() const {
  struct ::stat ours {};
  if (::fstat(number(), &ours) != 0 || ours.st_nlink == 0) return Whereabouts::deleted;
  return is_at_its_path() ? Whereabouts::at_its_path : Whereabouts::elsewhere;
}

bool Folder::rename_new(const std::string& name) const {
  constexpr int most = 1000;
  const auto place = place_of(held_->path, Missing::leave);
  if (!place || !is_at_its_path()) return false;
  const auto parent = place->parent.get();
  auto free = checked(name, held_->path);
  for (int number = 2;
       ::renameat2(parent, place->name.c_str(), parent, free.c_str(), RENAME_NOREPLACE) != 0;
       ++number) {
    if (errno != EEXIST || number > most) return false;
    free = fmt::format("{}-{}", name, number);
  }
  held_->path.replace_filename(free);
  held_->top = held_->path;
  static_cast<void>(::fdatasync(Descriptor(::openat(number(), "..", folder_flags)).get()));
  return true;
}

fs::path Folder::path_for_child() const {
  if (is_at_its_path()) return held_->path;
  throw Untrusted(
      fmt::format("{} is not the folder any more that retrust created", held_->path.string()),
      {"see who changes its parent",
       "ls -ld " + operand(held_->path.parent_path().empty() ? "." : held_->path.parent_path())});
}

bool is_missing(const fs::path& path) {
  std::error_code error;
  return fs::status(path, error).type() == fs::file_type::not_found;
}

}  // namespace retrust
