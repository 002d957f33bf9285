#include "base/trust.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <grp.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

std::string user_name(uid_t user) {
  const auto* entry = ::getpwuid(user);
  return entry == nullptr ? fmt::format("user {}", user) : std::string(entry->pw_name);
}

std::string group_name(gid_t group) {
  const auto* entry = ::getgrgid(group);
  return entry == nullptr ? std::to_string(group) : std::string(entry->gr_name);
}

/// As Debian's OpenSSH judges ~/.ssh/config: with umask 002 a user's files are writable for a group
/// in which the user is alone.
bool is_private_group(const struct ::stat& state, const std::string& path) {
  if (state.st_uid == 0) return false;
  const auto* user = ::getpwuid(state.st_uid);
  const auto* group = ::getgrgid(state.st_gid);
  if (user == nullptr || group == nullptr || user->pw_gid != state.st_gid) return false;
  const std::string_view name(user->pw_name);
  if (name != group->gr_name) return false;
  for (auto* const* member = group->gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  // With a list the group's bits are the mask of all users and groups in the list.
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) < 0 &&
         (errno == ENODATA || errno == EOPNOTSUPP);
}

std::string foreign_owner(const struct ::stat& state, Owner owner) {
  if (state.st_uid == ::geteuid()) return {};
  if (owner == Owner::caller_or_root && state.st_uid == 0) return {};
  return fmt::format("belongs to {}", user_name(state.st_uid));
}

[[noreturn]] void unreadable(const fs::path& path, int error) {
  if (path.string().starts_with("/dev/fd/")) {
    throw Failure(ExitStatus::usage,
                  fmt::format("{} is a pipe, which can be read once only: retrust starts several "
                              "programs that read it",
                              path.string()),
                  "save it as a file of mode 0600, and give that");
  }
  throw Failure(ExitStatus::usage,
                fmt::format("cannot read {}: {}", path.string(), std::strerror(error)),
                {"see what is there", "ls -ld " + operand(path)});
}

/// Where the caller's own copy of a file would be.
fs::path copy_of(const fs::path& file) {
  const auto* user = ::getpwuid(::geteuid());
  const fs::path home(user == nullptr ? "/root" : user->pw_dir);
  return home / "retrust-files" / file.filename();
}

/// The refusal of a file in whose place another user could put another one.
Untrusted another_file(const fs::path& file, const std::string& what, const fs::path& where) {
  struct ::stat state {};
  const auto own =
      ::lstat(where.c_str(), &state) == 0 && S_ISDIR(state.st_mode) && state.st_uid == ::geteuid();
  return {fmt::format("another user could put another file in the place of {}: {}", file.string(),
                      what),
          own ? Advice("take the permission away", "chmod go-w " + operand(where))
              : Advice("read the file; if it is what you expect, give a copy of your own instead",
                       as_root(fmt::format("install -D -m 600 {} {}", operand(file),
                                           operand(copy_of(file)))))};
}

/// Throws for what another user could do to a way, at a folder or symbolic link.
using Refuse = std::function<void(const std::string& what, const fs::path& where)>;

/// Finds the file behind a path, and refuses a way on which another user could put another file.
class Way {
 public:
  Way(const fs::path& given, Refuse refuse) : given_(given), refuse_(std::move(refuse)) {
    append(fs::absolute(given));
  }

  fs::path follow() {
    fs::path here = "/";
    while (!rest_.empty()) {
      const auto part = rest_.front();
      rest_.pop_front();
      if (part.empty()) continue;
      check_folder(here);
      if (part == ".") continue;
      if (part == "..") {
        here = here.parent_path();
        continue;
      }
      struct ::stat state {};
      if (::lstat((here / part).c_str(), &state) != 0) unreadable(given_, errno);
      if (S_ISLNK(state.st_mode)) {
        here = follow_link(here, part, state);
      } else {
        here /= part;
      }
    }
    return here;
  }

 private:
  void append(const fs::path& path) {
    const auto relative = path.relative_path();
    rest_.insert(rest_.begin(), relative.begin(), relative.end());
  }

  fs::path follow_link(const fs::path& here, const fs::path& part, const struct ::stat& state) {
    constexpr int most = 40;  // as in Linux
    if (++links_ > most) unreadable(given_, ELOOP);
    const auto link = here / part;
    if (const auto foreign = foreign_owner(state, Owner::caller_or_root); !foreign.empty()) {
      refuse_(fmt::format("the symbolic link {} {}", link.string(), foreign), link);
    }
    std::error_code error;
    const auto target = fs::read_symlink(link, error);
    if (error) unreadable(given_, error.value());
    append(target);
    return target.is_absolute() ? fs::path("/") : here;
  }

  void check_folder(const fs::path& folder) const {
    const Descriptor opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct ::stat state {};
    struct ::statvfs mount {};
    if (!opened || ::fstat(opened.get(), &state) != 0 || ::fstatvfs(opened.get(), &mount) != 0) {
      unreadable(given_, errno);
    }
    const auto exposed = way_exposure(state, mount, folder.string());
    if (exposed.empty()) return;
    refuse_(fmt::format("the folder {} {}", folder.string(), exposed), folder);
  }

  const fs::path& given_;
  Refuse refuse_;
  std::deque<fs::path> rest_;
  int links_ = 0;
};

}  // namespace

std::string exposure(const struct ::stat& state, const std::string& path, Owner owner) {
  if (auto foreign = foreign_owner(state, owner); !foreign.empty()) return foreign;
  if ((state.st_mode & S_IWOTH) != 0) return "can be written by every user";
  if ((state.st_mode & S_IWGRP) != 0 && !is_private_group(state, path)) {
    return fmt::format("can be written by the group {}", group_name(state.st_gid));
  }
  return {};
}

std::string way_exposure(const struct ::stat& state, const struct ::statvfs& mount,
                         const std::string& path) {
  const auto sticky = (state.st_mode & S_ISVTX) != 0;
  const auto read_only = (mount.f_flag & ST_RDONLY) != 0;
  return sticky || read_only ? foreign_owner(state, Owner::caller_or_root)
                             : exposure(state, path, Owner::caller_or_root);
}

std::string exposure(const Descriptor& descriptor, Owner owner) {
  struct ::stat state {};
  if (::fstat(descriptor.get(), &state) != 0) return std::strerror(errno);
  return exposure(state, fmt::format("/proc/self/fd/{}", descriptor.get()), owner);
}

void check_way(const fs::path& folder) {
  const auto inside = folder / ".";
  Way(inside, [](const std::string& what, const fs::path&) {
    throw Untrusted(fmt::format("temporary files would not be safe: {}", what),
                    {"give a folder of your own", "export TMPDIR=$(mktemp -d -p ~)"});
  }).follow();
}

std::string caller_name() {
  const auto* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::to_string(::geteuid()) : std::string(entry->pw_name);
}

std::string as_root(const std::string& command) {
  return ::geteuid() == 0 ? command : "sudo " + command;
}

std::string operand(const fs::path& path) {
  const auto text = path.string();
  return shell_line({text.starts_with('-') ? "./" + text : text});
}

Descriptor open_trusted(const fs::path& path) {
  const auto refuse = [&](const std::string& what, const fs::path& where) {
    throw another_file(path, what, where);
  };
  const auto reached = Way(path, refuse).follow();
  // Nobody else can change the way by now. A pipe must not keep us waiting.
  Descriptor descriptor(
      ::open(reached.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!descriptor) unreadable(path, errno);
  struct ::stat state {};
  if (::fstat(descriptor.get(), &state) != 0) unreadable(path, errno);
  if (!S_ISREG(state.st_mode)) {
    throw Failure(ExitStatus::usage, fmt::format("{} is not a regular file", path.string()),
                  {"see what is there", "ls -ldL " + operand(path)});
  }
  const auto exposed = exposure(descriptor, Owner::caller_or_root);
  if (exposed.empty()) return descriptor;
  const auto chmod = fmt::format("chmod go-w {}", operand(reached));
  const auto mended =
      exposed.starts_with("belongs")
          ? as_root(fmt::format("chown {}: {}", caller_name(), operand(reached))) + " && " + chmod
          : as_root(chmod);
  throw Untrusted(
      fmt::format("{} {}, so its contents may be another user's", path.string(), exposed),
      {"read the file; if it is what you expect", mended});
}

std::string beginning_of(const std::filesystem::path& path, std::size_t most) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(most, '\0');
  file.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string read_all(const Descriptor& descriptor, const fs::path& path, std::size_t limit) {
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    const auto got = ::read(descriptor.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Failure(ExitStatus::refused,
                    fmt::format("{} cannot be read: {}", path.string(), std::strerror(errno)),
                    "no changes were made");
    }
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) {
      throw Failure(ExitStatus::refused,
                    fmt::format("{} is larger than {} KiB, the most that retrust reads",
                                path.string(), limit / 1024),
                    {"see what is in the file", "head -c 1000 " + operand(path)});
    }
  }
}

}  // namespace retrust
