#pragma once

namespace retrust {

/// Denies other processes of the same user a look at this process's memory, and the disk a core
/// dump of it. /proc/self belongs to root from then on. LeakSanitizer works all the same: it makes
/// the process dumpable while it searches (compiler-rt sanitizer_stoptheworld_linux_libcdep.cpp).
void forbid_dumps() noexcept;

}  // namespace retrust
