#pragma once

#include <string>
#include <vector>

#include "base/names.h"

namespace retrust {

/// A cluster that Rancher knows.
struct NamedCluster {
  ClusterId id;  ///< empty if it is none that Rancher gives: the cluster cannot be selected
  std::string display_name;
};

/// The cluster with that ID, else the one with that display name. Throws Failure (refused) if there
/// is none (with similar ones), or more than one. `listing` is a command that lists the clusters.
/// Pure.
ClusterId selected_cluster(const std::string& word, const std::vector<NamedCluster>& known,
                           const std::string& listing);

/// True if the word has a character of a pattern: * ? [
bool is_pattern(const std::string& word);

/// The clusters that the words of --cluster select, in the order of the words, each once. A word is
/// as for selected_cluster, or a pattern of IDs and names as a shell reads it. Throws Failure
/// (refused) if a word selects nothing. Pure.
std::vector<ClusterId> selected_clusters(const std::vector<std::string>& words,
                                         const std::vector<NamedCluster>& known,
                                         const std::string& listing);

}  // namespace retrust
