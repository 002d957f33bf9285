#include "counted.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace retrust::faults {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto size = ::write(descriptor, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

unsigned counted(const std::string& path, std::string line) {
  const auto file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return 0;
  ::flock(file, LOCK_EX);
  unsigned number = 1;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = ::read(file, buffer.data(), buffer.size());
    if (size <= 0) break;
    number += static_cast<unsigned>(std::count(buffer.data(), buffer.data() + size, '\n'));
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  write_all(file, line + "\n");
  ::close(file);
  return number;
}

}  // namespace retrust::faults
