#include "runbook/run_folder.h"

#include <chrono>
#include <system_error>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "transcript/failure.h"
#include "transcript/private_file.h"
#include "transcript/text.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

void make_private_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) {
    throw Failure(ExitStatus::refused,
                  fmt::format("cannot make the run folder {}: {}", path.string(), error.message()),
                  "nothing is changed without a record of it; give another --run-dir");
  }
}

}  // namespace

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  if (fs::exists(path_, error) &&
      (!fs::is_directory(path_, error) || !fs::is_empty(path_, error))) {
    throw Failure(ExitStatus::usage, fmt::format("{} is there and not empty", path_.string()),
                  "give a new folder with --run-dir: what an earlier run wrote is kept");
  }
  make_private_directory(path_);
  make_private_directory(backup_folder());
}

fs::path RunFolder::save(std::string_view name, const boost::json::object& object) {
  auto path = backup_folder() / fmt::format("{}.json", name);
  for (int number = 2; fs::exists(path); ++number) {
    path = backup_folder() / fmt::format("{}.{}.json", name, number);
  }
  BackupFile file(path);
  file.write(boost::json::serialize(object) + "\n");
  file.keep();
  return path;
}

std::string default_run_folder(std::string_view cluster) {
  std::string name;
  for (const char c : cluster) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    name += plain ? c : '_';
  }
  return fmt::format("retrust-{}-{}", name.substr(0, 63),
                     compact_utc_text(std::chrono::system_clock::now()));
}

}  // namespace retrust
