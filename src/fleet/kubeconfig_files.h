#pragma once

#include <string>
#include <vector>

#include "choices/context_choice.h"

namespace retrust {

/// A file that the operator named, by itself or by its folder.
struct KubeconfigFile {
  std::string path;
  ContextChoice contexts = ContextChoice::current;
  std::string context = {};  ///< the one that counts, if it was named
  /// Why it cannot be read; only in a folder, where other files still count.
  std::string trouble = {};
};

/// Limit of files in one folder: more than the clusters of the largest Rancher known, and few
/// enough to ask.
inline constexpr std::size_t most_kubeconfigs = 2000;

/// The files of the values of --kubeconfig, in their order, each once. A value is a file, a folder
/// with files (by name, without hidden ones; all their contexts count), or a list as in KUBECONFIG.
/// Throws Failure (usage) if a named one cannot be read, and Untrusted if others can write to it.
std::vector<KubeconfigFile> kubeconfig_files(const std::vector<std::string>& given,
                                             ContextChoice contexts);

}  // namespace retrust
