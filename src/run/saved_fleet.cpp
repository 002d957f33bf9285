#include "run/saved_fleet.h"

#include <algorithm>

#include "base/failure.h"
#include "base/folder.h"
#include "run/saved_cluster.h"

namespace retrust {
namespace {

/// Limit of the members of a folder: the most contexts of one command (see most_contexts), and some
/// other files.
constexpr std::size_t most_members = 3000;

bool has_saved(const Folder& folder, const std::string& name) {
  const auto own = folder.open_folder(name);
  const auto backup = own ? own->open_folder("backup") : std::nullopt;
  if (!backup) return false;
  const auto names = backup->some_names(most_members);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& each) { return each.starts_with("clusters-"); });
}

}  // namespace

std::optional<std::vector<SavedMember>> saved_members(const std::filesystem::path& folder,
                                                      const NamespaceName& name_space,
                                                      Redactor& redactor) {
  const auto opened = Folder::open(folder);
  if (!opened || !opened->contains("summary.jsonl")) return std::nullopt;
  std::vector<SavedMember> members;
  for (const auto& name : opened->names(most_members)) {
    const auto about = opened->about(name);
    if (!about || !S_ISDIR(about->st_mode) || !has_saved(*opened, name)) continue;
    SavedMember member{opened->path_of(name)};
    try {
      const auto saved = read_saved_cluster(member.path, name_space.text(), redactor);
      member.id = saved.cluster.id;
      member.name = saved.cluster.display_name;
    } catch (const Failure& failure) {
      member.name = DisplayText(name);
      member.trouble = failure.what();
    }
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace retrust
