#include "transcript/private_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "transcript/failure.h"

namespace retrust {
namespace {

[[noreturn]] void refuse(std::string_view what, const std::filesystem::path& path, int error) {
  throw Failure(ExitStatus::refused,
                fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)),
                "nothing is changed without a record of it: make room, or give another --run-dir, "
                "and run again");
}

/// Some file systems cannot synchronise, and need not be asked to.
bool synchronised(int descriptor) {
  return ::fdatasync(descriptor) == 0 || errno == EINVAL || errno == EROFS;
}

std::filesystem::path unfinished(const std::filesystem::path& path) {
  return path.parent_path() / fmt::format(".{}.part", path.filename().string());
}

}  // namespace

PrivateFile::PrivateFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) refuse("create", path_, errno);
}

PrivateFile::~PrivateFile() {
  ::close(descriptor_);
}

void PrivateFile::write(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("write", path_, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PrivateFile::rewrite(std::string_view text) {
  if (::lseek(descriptor_, 0, SEEK_SET) != 0) refuse("write", path_, errno);
  write(text);
  if (::ftruncate(descriptor_, static_cast<off_t>(text.size())) != 0) refuse("write", path_, errno);
}

void PrivateFile::sync() {
  if (!synchronised(descriptor_)) refuse("write", path_, errno);
}

BackupFile::BackupFile(std::filesystem::path path)
    : path_(std::move(path)), file_(unfinished(path_)) {}

BackupFile::~BackupFile() {
  ::unlink(file_.path().c_str());
}

void BackupFile::keep() {
  file_.sync();
  // A link fails where the name is taken; a rename would replace what is there.
  if (::link(file_.path().c_str(), path_.c_str()) != 0) {
    const auto error = errno;
    const auto unable = error == EPERM || error == EOPNOTSUPP || error == ENOSYS;
    if (!unable || ::access(path_.c_str(), F_OK) == 0) refuse("create", path_, error);
    if (::rename(file_.path().c_str(), path_.c_str()) != 0) refuse("create", path_, errno);
  }
  const auto directory = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto kept = directory >= 0 && synchronised(directory);
  const auto error = errno;
  if (directory >= 0) ::close(directory);
  if (!kept) refuse("write", path_, error);
}

}  // namespace retrust
