#include "process/executable.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pwd.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace retrust {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> entries_of(std::string_view path) {
  std::vector<std::string> entries;
  for (;;) {
    const auto end = path.find(':');
    entries.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return entries;
    path.remove_prefix(end + 1);
  }
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

/// Without "./", which would stand in the middle of the path.
std::string absolute_path(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  std::error_code error;
  const auto absolute = fs::absolute(path, error);
  return error ? std::string(path) : absolute.string();
}

}  // namespace

std::string absolute_program(const std::string& program) {
  if (program.empty()) return program;
  if (program.find('/') != std::string::npos) return absolute_path(program);
  const auto path = search_path();
  if (path.empty()) return program;
  for (const auto& entry : entries_of(path)) {
    const auto found = fs::path(entry.empty() ? "." : entry) / program;
    if (is_program(found)) return absolute_path(found.string());
  }
  return program;
}

std::string home_folder() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return home;
  const auto* user = ::getpwuid(::geteuid());
  return user == nullptr ? "/" : user->pw_dir;
}

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path == nullptr ? std::string() : std::string(path);
}

std::optional<std::string> relative_entry(std::string_view path) {
  if (path.empty()) return std::nullopt;
  const auto entries = entries_of(path);
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [](const auto& entry) { return !entry.starts_with('/'); });
  return found == entries.end() ? std::nullopt : std::optional(*found);
}

std::string without_relative_entries(std::string_view path) {
  std::string kept;
  for (const auto& entry : entries_of(path)) {
    if (entry.starts_with('/')) kept += (kept.empty() ? "" : ":") + entry;
  }
  return kept;
}

bool is_script(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.get() == '#' && file.get() == '!';
}

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
