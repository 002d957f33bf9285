#include "base/private_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/failure.h"

namespace retrust {
namespace {

[[noreturn]] void cannot_write(const std::filesystem::path& path, int error) {
  throw Failure(ExitStatus::refused,
                fmt::format("cannot write {}: {}", path.string(), std::strerror(error)),
                "nothing is changed without a record of it: make room, or give another --run-dir, "
                "and run again");
}

}  // namespace

PrivateFile::PrivateFile(const Folder& folder, const std::string& name, Begin begin)
    : folder_(folder),
      name_(name),
      descriptor_(begin == Begin::empty ? folder.create_file(name) : folder.append_to_file(name)) {}

std::uint64_t PrivateFile::size() const {
  struct ::stat state {};
  if (::fstat(descriptor_.get(), &state) != 0) cannot_write(path(), errno);
  return static_cast<std::uint64_t>(state.st_size);
}

void PrivateFile::check_there() const {
  struct ::stat state {};
  if (::fstat(descriptor_.get(), &state) != 0) cannot_write(path(), errno);
  if (state.st_nlink > 0) return;
  throw Failure(ExitStatus::refused,
                fmt::format("{} was deleted: retrust changes nothing without it", path().string()),
                "leave a run folder as it is until retrust has ended, and run again");
}

void PrivateFile::take_back(std::uint64_t size) noexcept {
  const auto end = static_cast<off_t>(size);
  if (::ftruncate(descriptor_.get(), end) == 0) ::lseek(descriptor_.get(), end, SEEK_SET);
}

void PrivateFile::write(std::string_view text) {
  const auto before = size();
  if (write_all(descriptor_, text)) return;
  const auto error = errno;
  // A full disk may take the first half of a line.
  take_back(before);
  cannot_write(path(), error);
}

void PrivateFile::sync() {
  if (!synchronised(descriptor_)) cannot_write(path(), errno);
}

BackupFile::BackupFile(Folder folder, std::string name)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      unfinished_(fmt::format(".{}.part", name_)),
      file_(folder_, unfinished_) {}

BackupFile::~BackupFile() {
  folder_.remove(unfinished_);
}

void BackupFile::keep() {
  file_.sync();
  folder_.move(unfinished_, folder_, name_);
}

void replace_file(const Folder& folder, const std::string& name, std::string_view text, Disk disk) {
  const auto unfinished = fmt::format(".{}.part", name);
  try {
    PrivateFile file(folder, unfinished);
    file.write(text);
    if (disk == Disk::must_have_it) file.sync();
    folder.replace(unfinished, name);
  } catch (...) {
    folder.remove(unfinished);
    throw;
  }
}

void write_private(const std::filesystem::path& path, std::string_view text) {
  const auto unfinished =
      path.parent_path() / fmt::format(".{}.{}.part", path.filename().string(), ::getpid());
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor file(::open(unfinished.c_str(), flags, 0600));
  auto written = false;
  if (file) {
    written = write_all(file, text) && synchronised(file) &&
              ::rename(unfinished.c_str(), path.c_str()) == 0;
  }
  if (written) {
    const auto parent = path.parent_path();
    const Descriptor folder(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    static_cast<void>(synchronised(folder));
    return;
  }
  const auto error = errno;
  if (file) ::unlink(unfinished.c_str());
  throw Failure(ExitStatus::refused,
                fmt::format("cannot write {}: {}", path.string(), std::strerror(error)),
                "make room, or name a file in a folder that you can write");
}

}  // namespace retrust
