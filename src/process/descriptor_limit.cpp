#include "process/descriptor_limit.h"

#include <algorithm>
#include <sys/resource.h>

namespace retrust {

std::optional<std::uint64_t> raise_descriptor_limit() {
  constexpr rlim_t most = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = std::min(limit.rlim_max, most);
  if (limit.rlim_cur <= before || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return before;
}

}  // namespace retrust
