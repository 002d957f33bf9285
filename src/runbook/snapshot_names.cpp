#include "runbook/snapshot_names.h"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace retrust {
namespace {

std::filesystem::path list_in(const std::filesystem::path& folder) {
  return folder / "etcd-snapshots";
}

}  // namespace

bool is_remembered(const std::filesystem::path& folder, const std::string& name) {
  if (folder.empty()) return false;
  std::ifstream file(list_in(folder));
  for (std::string line; std::getline(file, line);) {
    if (line == name) return true;
  }
  return false;
}

void remember(const std::filesystem::path& folder, const std::string& name) {
  if (folder.empty()) return;
  std::filesystem::create_directories(folder);
  std::ofstream file(list_in(folder), std::ios::app);
  file << name << '\n';
  if (!file.flush()) throw std::system_error(errno, std::generic_category(), list_in(folder));
}

}  // namespace retrust
