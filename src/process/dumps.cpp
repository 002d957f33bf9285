#include "process/dumps.h"

#include <sys/prctl.h>

namespace retrust {

void forbid_dumps() noexcept {
  ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace retrust
