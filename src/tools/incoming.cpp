#include "tools/incoming.h"

#include <algorithm>
#include <array>
#include <cerrno>
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

#include "base/failure.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

constexpr const char* inside = ".incoming";

std::uint64_t free_bytes(const Folder& folder) {
  struct statvfs disk {};
  if (::fstatvfs(folder.number(), &disk) != 0) {
    throw Failure(ExitStatus::refused,
                  fmt::format("cannot look at the disk of {}: {}", folder.path().string(),
                              std::strerror(errno)),
                  "nothing was changed; give another --run-dir, and run again");
  }
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

/// Describes a delivery of docker that is no regular file.
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

Incoming::Incoming(Folder around)
    : around_(std::move(around)),
      path_(fs::absolute(around_.path_for_child()) / inside),
      inside_(around_.create_folder(inside)) {
  constexpr std::uint64_t most_reserved = std::uint64_t{64} << 20U;
  reserve_ = std::min(most_reserved, free_bytes(around_) / 8);
}

Incoming::~Incoming() {
  around_.remove_tree(inside);
}

std::uint64_t Incoming::room() const {
  const auto free = free_bytes(inside_);
  return free - std::min(reserve_, free);
}

std::optional<std::string> Incoming::wrong(const std::string& name) const {
  for (const auto& found : inside_.some_names(2)) {
    if (found != name) return "docker cp delivered more than one file";
  }
  const auto about = inside_.about(name);
  if (!about || S_ISREG(about->st_mode)) return std::nullopt;
  return delivered(about->st_mode);
}

std::uint64_t Incoming::size_of(const std::string& name) const {
  const auto about = inside_.about(name);
  return about ? static_cast<std::uint64_t>(about->st_size) : 0;
}

Descriptor Incoming::open(const std::string& name) const {
  if (const auto found = wrong(name)) throw std::runtime_error(*found);
  // Not blocking: nobody may ever open the other end of a FIFO.
  const Descriptor opened(::openat(inside_.number(), name.c_str(),
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
  // The descriptor is above the first three: it becomes the standard input of a child.
  Descriptor high(::fcntl(opened.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (high.get() < 0) throw std::runtime_error(std::strerror(errno));
  return high;
}

void Incoming::keep(const std::string& name, const Descriptor& opened) const {
  struct stat read {};
  if (!synchronised(opened) || ::fstat(opened.get(), &read) != 0) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("cannot write {}: {}", around_.path_of(name).string(), std::strerror(errno)),
        "nothing was changed; make room, or give another --run-dir, and run again");
  }
  inside_.move(name, around_, name);
  const auto named = around_.about(name);
  if (named && named->st_ino == read.st_ino && named->st_dev == read.st_dev) return;
  around_.remove(name);
  throw Failure(ExitStatus::refused,
                fmt::format("{} was replaced while it was checked", around_.path_of(name).string()),
                "nothing was changed; find out which other program writes there, then run again");
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
