#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "cli/application.h"

int main(int argc, char** argv) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return retrust::run_application(std::vector<std::string>(argv + 1, argv + argc), environment);
}
