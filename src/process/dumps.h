#pragma once

namespace retrust {

/// Denies other processes of the same user a look at this process's memory, and the disk a core
/// dump of it. /proc/self belongs to root from then on. A build with AddressSanitizer leaves the
/// process as it is: its search for leaks attaches to the process as a debugger does.
void forbid_dumps() noexcept;

}  // namespace retrust
