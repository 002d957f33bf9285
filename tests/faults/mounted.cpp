#include "mounted.h"

#include <fstream>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>

namespace retrust::faults {
namespace {

/// Gets this process a mount namespace of its own, as root or as root of a user namespace.
bool enter_own_mounts() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) return false;
  if (user != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " + std::to_string(user) + " 1";
    std::ofstream("/proc/self/gid_map") << "0 " + std::to_string(group) + " 1";
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace

Mounted::Mounted(std::filesystem::path folder, std::size_t kib, Access access)
    : folder_(std::move(folder)) {
  const auto size = "mode=0700,size=" + std::to_string(kib) + "k";
  const auto flags = access == Access::read_only ? MS_RDONLY : 0;
  there_ = enter_own_mounts() && ::mount("none", folder_.c_str(), "tmpfs",
                                         static_cast<unsigned long>(flags), size.c_str()) == 0;
}

void Mounted::remove() {
  if (there_) ::umount2(folder_.c_str(), MNT_DETACH);
  there_ = false;
}

Mounted::~Mounted() {
  remove();
}

}  // namespace retrust::faults
