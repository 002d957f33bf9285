#include "ui/output.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace retrust {
namespace {

int descriptor_of(Stream stream) {
  return stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO;
}

/// Waits until a descriptor that others made non-blocking takes more.
void await_room(int descriptor) {
  pollfd waiting{descriptor, POLLOUT, 0};
  ::poll(&waiting, 1, -1);
}

std::error_code write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      await_room(descriptor);
    } else if (errno != EINTR) {
      return {errno, std::generic_category()};
    }
  }
  return {};
}

}  // namespace

void Console::draw(std::string_view drawing, std::string_view erasing) {
  erasing_ = {};
  write(Stream::err, drawing);
  erasing_ = erasing;
}

void Console::erase() {
  write(Stream::err, std::exchange(erasing_, {}));
}

void Console::write(Stream stream, std::string_view text) {
  if (!erasing_.empty()) erase();
  auto& lost = lost_[static_cast<std::size_t>(stream)];
  if (lost && stream == Stream::out) return;
  const auto error = write_whole(descriptor_of(stream), text);
  if (!lost) lost = error;
}

std::error_code Console::lost(Stream stream) const {
  return lost_[static_cast<std::size_t>(stream)];
}

void hold_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this descriptor's. Standard output is opened for reading alone, so
    // that a lost result remains an error.
    const auto mode = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    static_cast<void>(::open("/dev/null", mode));
  }
}

std::string lost_text(const Console& output) {
  return fmt::format("standard output cannot be written: {}", output.lost(Stream::out).message());
}

ExitStatus status_of_output(Console& output, ExitStatus status) {
  const auto lost = output.lost(Stream::out);
  if (!lost) return status;
  if (lost != std::errc::broken_pipe) {
    output.write(Stream::err, fmt::format("retrust: {}\n", lost_text(output)));
  }
  return ExitStatus::failed;
}

}  // namespace retrust
