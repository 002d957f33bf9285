#include "backup/incoming.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "transcript/failure.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(std::string_view what, const fs::path& path, int error) {
  throw Failure(ExitStatus::refused,
                fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)),
                "nothing was changed; make room, or give another --run-dir, and run again");
}

Descriptor open_folder(const fs::path& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.get() < 0) refuse("open", path, errno);
  return folder;
}

/// Some file systems cannot synchronise, and need not be asked to.
bool synchronised(int descriptor) {
  return ::fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS;
}

std::uint64_t free_bytes(const Descriptor& folder, const fs::path& path) {
  struct statvfs disk {};
  if (::fstatvfs(folder.get(), &disk) != 0) refuse("look at the disk of", path, errno);
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

/// What docker delivered, where that is no regular file.
std::string delivered(mode_t mode) {
  return fmt::format("docker cp delivered a {}", S_ISLNK(mode)    ? "symbolic link"
                                                 : S_ISDIR(mode)  ? "folder"
                                                 : S_ISFIFO(mode) ? "FIFO"
                                                                  : "special file");
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

Incoming::Incoming(fs::path folder) : folder_(fs::absolute(std::move(folder))) {
  auto pattern = (folder_ / ".incoming-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) refuse("create a folder in", folder_, errno);
  path_ = pattern;
  try {
    around_ = open_folder(folder_);
    directory_ = open_folder(path_);
    constexpr std::uint64_t most_reserved = std::uint64_t{64} << 20U;
    reserve_ = std::min(most_reserved, free_bytes(directory_, path_) / 8);
  } catch (...) {
    ::rmdir(path_.c_str());
    throw;
  }
}

Incoming::~Incoming() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::uint64_t Incoming::room() const {
  const auto free = free_bytes(directory_, path_);
  return free - std::min(reserve_, free);
}

std::optional<std::string> Incoming::wrong(const std::string& name) const {
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename() != name) return "docker cp delivered more than one file";
  }
  struct stat about {};
  if (::fstatat(directory_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  if (S_ISREG(about.st_mode)) return std::nullopt;
  return delivered(about.st_mode);
}

std::optional<std::uint64_t> Incoming::size_of(const std::string& name) const {
  struct stat about {};
  if (::fstatat(directory_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(about.st_size);
}

Descriptor Incoming::open(const std::string& name) const {
  if (const auto found = wrong(name)) throw std::runtime_error(*found);
  // Not blocking: nobody may ever open the other end of a FIFO.
  const Descriptor opened(::openat(directory_.get(), name.c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (opened.get() < 0) {
    if (errno == ENOENT) throw std::runtime_error("docker cp delivered no file");
    throw std::runtime_error(
        fmt::format("docker cp delivered a file that cannot be opened: {}", std::strerror(errno)));
  }
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0) throw std::runtime_error(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) throw std::runtime_error(delivered(about.st_mode));
  if (about.st_uid != ::geteuid()) {
    throw std::runtime_error(fmt::format("docker cp delivered a file of user {}", about.st_uid));
  }
  if (about.st_nlink != 1) {
    throw std::runtime_error("docker cp delivered a file that has a second name");
  }
  if (::fchmod(opened.get(), S_IRUSR | S_IWUSR) != 0) {
    throw std::runtime_error(std::strerror(errno));
  }
  // Beyond the standard ones: it becomes the standard input of a child.
  Descriptor high(::fcntl(opened.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (high.get() < 0) throw std::runtime_error(std::strerror(errno));
  return high;
}

void Incoming::keep(const std::string& name, const Descriptor& opened) const {
  const auto kept_path = folder_ / name;
  if (!synchronised(opened.get())) refuse("write", kept_path, errno);
  // A link fails if the name is taken; a rename would replace what is there.
  if (::linkat(directory_.get(), name.c_str(), around_.get(), name.c_str(), 0) != 0) {
    const auto error = errno;
    const auto unable = error == EPERM || error == EOPNOTSUPP || error == ENOSYS;
    struct stat taken {};
    if (!unable || ::fstatat(around_.get(), name.c_str(), &taken, AT_SYMLINK_NOFOLLOW) == 0) {
      refuse("create", kept_path, error);
    }
    if (::renameat(directory_.get(), name.c_str(), around_.get(), name.c_str()) != 0) {
      refuse("create", kept_path, errno);
    }
  }
  struct stat named {};
  struct stat read {};
  const auto seen = ::fstatat(around_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                    ::fstat(opened.get(), &read) == 0;
  if (!seen || named.st_ino != read.st_ino || named.st_dev != read.st_dev) {
    ::unlinkat(around_.get(), name.c_str(), 0);
    throw Failure(ExitStatus::refused,
                  fmt::format("{} was replaced while it was checked", kept_path.string()),
                  "nothing was changed; find out which other program writes there, then run again");
  }
  if (!synchronised(around_.get())) refuse("write", kept_path, errno);
}

std::uint64_t size_of(const Descriptor& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) {
    throw std::system_error(errno, std::generic_category(), "fstat");
  }
  return static_cast<std::uint64_t>(about.st_size);
}

boost::asio::awaitable<std::string> sha256_of(const Descriptor& file) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  std::vector<char> buffer(std::size_t{1} << 20U);
  for (off_t at = 0;;) {
    const auto size = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw std::system_error(errno, std::generic_category(), "read");
    if (size == 0) break;
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(size));
    at += size;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  co_return text;
}

ListingCount::ListingCount(std::string_view folder)
    : below_(fmt::format("{}/", folder)), lines_([this](std::string_view name) {
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name.starts_with(below_) && !name.ends_with('/')) ++files_;
      }) {}

}  // namespace retrust
