#include "base/reserved_room.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>

#include <fmt/format.h>

#include "base/failure.h"

namespace retrust {
namespace {

Descriptor nameless_file(const Folder& folder) {
  Descriptor file(::openat(folder.number(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system knows such files.
  const std::string name = ".room";
  file = folder.create_file(name);
  folder.remove(name);
  return file;
}

}  // namespace

ReservedRoom::ReservedRoom(const Folder& folder, std::uint64_t bytes, std::string_view purpose)
    : file_(nameless_file(folder)) {
  int error = 0;
  do {
    error = ::posix_fallocate(file_.get(), 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  if (error != ENOSPC && error != EDQUOT && error != EFBIG && error != EIO) return;
  constexpr std::uint64_t kib = 1024;
  const auto size = std::to_string(bytes / kib);
  throw Failure(ExitStatus::refused,
                fmt::format("{} has no room for {}, which may take {} KiB: {}",
                            folder.path().string(), purpose, size, std::strerror(error)),
                error == EFBIG
                    ? Advice("allow larger files, then run again; see the limit", "ulimit -f")
                    : Advice("make room, or give another --run-dir, then run again; see the room",
                             "df -h " + operand(folder.path())));
}

}  // namespace retrust
