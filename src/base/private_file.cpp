#include "base/private_file.h"

#include <cerrno>
#include <cstring>
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

void PrivateFile::write(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot_write(path(), errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PrivateFile::rewrite(std::string_view text) {
  if (::lseek(descriptor_.get(), 0, SEEK_SET) != 0) cannot_write(path(), errno);
  write(text);
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(text.size())) != 0) {
    cannot_write(path(), errno);
  }
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

}  // namespace retrust
