#include <algorithm>
#include <cstdlib>
#ifdef RETRUST_STATIC
#include <nss.h>
#endif
#include <optional>
#include <string>
#include <vector>

#include "app/application.h"
#include "process/dumps.h"
#include "tools/guard.h"

int main(int argc, char** argv) {
#ifdef RETRUST_STATIC
  // Other sources of users than files, such as sssd, are modules for the machine's own glibc, which
  // may crash a static program with another one. A user of theirs counts as unknown: a number.
  for (const auto* database : {"passwd", "group"}) __nss_configure_lookup(database, "files");
#endif
  retrust::forbid_dumps();
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  if (const auto status = retrust::run_as_guard(args)) return *status;
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return retrust::run_application(argc > 0 ? argv[0] : "", args, environment);
}
