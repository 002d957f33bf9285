#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/display_text.h"
#include "base/names.h"
#include "base/redactor.h"

namespace retrust {

/// A cluster's folder in the folder of a run of several clusters.
struct SavedMember {
  std::filesystem::path path;
  ClusterId id = {};         ///< empty if what was saved cannot be read
  DisplayText name = {};     ///< display name; else that of the folder
  std::string trouble = {};  ///< why what was saved cannot be read; else empty
};

/// The clusters for which such a run saved something, by the names of their folders. Nothing if the
/// folder is not that of a run of several clusters. Reads as read_saved_cluster does. Throws
/// Failure (refused) if others could have changed the folder.
std::optional<std::vector<SavedMember>> saved_members(const std::filesystem::path& folder,
                                                      const NamespaceName& name_space,
                                                      Redactor& redactor);

}  // namespace retrust
