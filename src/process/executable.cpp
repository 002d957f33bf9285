#include "process/executable.h"

#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace retrust {

Outcome never_started(Ending why, std::string_view program, std::string_view reason) {
  Outcome outcome;
  outcome.ending = why;
  outcome.err = fmt::format("{}: {}", program, reason);
  return outcome;
}

Outcome check_executable(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return never_started(Ending::not_found, path, "no such program");
  }
  if (error) return never_started(Ending::not_executable, path, error.message());
  if (std::filesystem::is_directory(status)) {
    return never_started(Ending::not_executable, path, "is a directory");
  }
  if (::access(path.c_str(), X_OK) != 0) {
    return never_started(Ending::not_executable, path, "is not executable");
  }
  return {};
}

}  // namespace retrust
