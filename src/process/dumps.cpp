#include "process/dumps.h"

#include <sys/prctl.h>

#if defined(__SANITIZE_ADDRESS__)
#define RETRUST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RETRUST_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef RETRUST_ADDRESS_SANITIZER
#define RETRUST_ADDRESS_SANITIZER 0
#endif

namespace retrust {

void forbid_dumps() noexcept {
#if !RETRUST_ADDRESS_SANITIZER
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace retrust
