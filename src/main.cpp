#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "app/application.h"
#include "process/dumps.h"
#include "tools/guard.h"

int main(int argc, char** argv) {
  retrust::forbid_dumps();
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  if (const auto status = retrust::run_as_guard(args)) return *status;
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return retrust::run_application(argc > 0 ? argv[0] : "", args, environment);
}
