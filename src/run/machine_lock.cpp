#include "run/machine_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/trust.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

using Attempt = MachineLock::Attempt;

/// Limit in bytes of what a holder wrote.
constexpr std::size_t most_read = 1024;
constexpr mode_t private_mode = 0600;

fs::path usual_folder() {
  std::error_code unknown;
  const auto* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/' && fs::is_directory(runtime, unknown)) return runtime;
  // Where only root may write there, another user's lock file cannot be there either.
  if (::access("/run/lock", W_OK | X_OK) == 0) return "/run/lock";
  const auto temporary = fs::temp_directory_path(unknown);
  return temporary.empty() ? fs::path("/tmp") : temporary;
}

Attempt failed(std::string why) {
  return {Attempt::Result::failed, {}, std::move(why)};
}

std::string last_error() {
  return std::error_code(errno, std::generic_category()).message();
}

/// True if the path still leads to the open file: its holder removes the file before the release.
bool is_at(const fs::path& path, const Descriptor& file) {
  struct ::stat opened {};
  struct ::stat named {};
  return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

fs::path lock_path(std::string_view name) {
  return usual_folder() / name;
}

Attempt MachineLock::take(std::string_view holder) {
  constexpr int attempts = 5;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    // In folders with a sticky bit Linux can refuse O_CREAT for another user's file
    // (fs.protected_regular), which is what the owner's check below would say.
    Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                           private_mode));
    if (!file) return failed(last_error());
    struct ::stat state {};
    if (::fstat(file.get(), &state) != 0) return failed(last_error());
    if (!S_ISREG(state.st_mode)) return failed("it is no regular file");
    const auto exposed = exposure(file, Owner::caller);
    if (!exposed.empty()) return failed("it " + exposed);
    if (state.st_nlink > 1) return failed("it has a second name");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failed(last_error());
      std::array<char, most_read> text{};
      const auto size = ::pread(file.get(), text.data(), text.size(), 0);
      return {Attempt::Result::held,
              size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string()};
    }
    if (!is_at(path_, file)) continue;
    // Without the text others only do not learn who holds the lock.
    if (::ftruncate(file.get(), 0) == 0) {
      [[maybe_unused]] const auto written =
          ::pwrite(file.get(), holder.data(), std::min(holder.size(), most_read), 0);
    }
    file_ = std::move(file);
    return {Attempt::Result::taken};
  }
  return failed("it was removed again and again");
}

void MachineLock::release() {
  if (!file_) return;
  if (is_at(path_, file_)) ::unlink(path_.c_str());
  file_ = Descriptor();
}

}  // namespace retrust
