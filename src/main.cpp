#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "app/application.h"
#include "process/dumps.h"

int main(int argc, char** argv) {
  retrust::forbid_dumps();
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return retrust::run_application(argc > 0 ? argv[0] : "",
                                  std::vector<std::string>(argv + std::min(argc, 1), argv + argc),
                                  environment);
}
