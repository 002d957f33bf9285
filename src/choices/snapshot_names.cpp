#include "choices/snapshot_names.h"

#include <sstream>

#include "base/folder.h"
#include "base/private_file.h"

namespace retrust {
namespace {

constexpr const char* list = "etcd-snapshots";
/// Some ten thousand names.
constexpr std::size_t most_bytes = 1024UL * 1024;

}  // namespace

bool is_remembered(const std::filesystem::path& path, const std::string& name) {
  if (path.empty()) return false;
  const auto folder = Folder::open(path);
  if (!folder) return false;
  const auto file = folder->open_file(list);
  if (!file) return false;
  std::istringstream names(read_all(*file, folder->path_of(list), most_bytes));
  for (std::string line; std::getline(names, line);) {
    if (line == name) return true;
  }
  return false;
}

void remember(const std::filesystem::path& path, const std::string& name) {
  if (path.empty()) return;
  const auto folder = Folder::open_or_create(path);
  PrivateFile file(folder, list, PrivateFile::Begin::at_end);
  file.write(name + '\n');
  file.sync();
}

}  // namespace retrust
