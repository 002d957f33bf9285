#include "observe/cluster_choice.h"

#include <algorithm>
#include <fnmatch.h>

#include <fmt/format.h>

#include "base/display_text.h"
#include "base/failure.h"
#include "base/near.h"
#include "base/text.h"

namespace retrust {
namespace {

[[noreturn]] void refuse_unknown(const std::string& word, const std::vector<NamedCluster>& known,
                                 const std::string& listing) {
  std::vector<std::string> names;
  for (const auto& cluster : known) {
    if (cluster.id.empty()) continue;
    names.push_back(cluster.id.text());
    if (cluster.display_name != cluster.id.text()) {
      names.emplace_back(DisplayText(cluster.display_name));
    }
  }
  const auto near = is_pattern(word) ? std::vector<std::string>() : near_ones(word, names);
  throw Failure(FailureCode::unknown_cluster,
                fmt::format("Rancher knows no cluster {}{}", DisplayText(word),
                            near.empty() ? "" : fmt::format("; near: {}", enumerated(near))),
                {"give an ID (c-…) or a name of Rancher's list with --cluster; list all", listing});
}

bool fits(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

}  // namespace

ClusterId selected_cluster(const std::string& word, const std::vector<NamedCluster>& known,
                           const std::string& listing) {
  std::vector<std::string> named;
  for (const auto& cluster : known) {
    if (cluster.id.empty()) continue;
    if (cluster.id == word) return cluster.id;
    if (cluster.display_name == word) named.push_back(cluster.id.text());
  }
  if (named.empty()) refuse_unknown(word, known, listing);
  if (named.size() == 1) return named.front();
  throw Failure(FailureCode::unknown_cluster,
                fmt::format("{} clusters are called {}: {}", named.size(), DisplayText(word),
                            enumerated(named)),
                {"give the ID of the one that is meant with --cluster; list all", listing});
}

bool is_pattern(const std::string& word) {
  return word.find_first_of("*?[") != std::string::npos;
}

std::vector<ClusterId> selected_clusters(const std::vector<std::string>& words,
                                         const std::vector<NamedCluster>& known,
                                         const std::string& listing) {
  std::vector<ClusterId> selected;
  const auto select = [&](const ClusterId& id) {
    if (std::find(selected.begin(), selected.end(), id) == selected.end()) selected.push_back(id);
  };
  for (const auto& word : words) {
    const auto exact = std::any_of(known.begin(), known.end(), [&](const NamedCluster& cluster) {
      return cluster.id == word || cluster.display_name == word;
    });
    if (exact || !is_pattern(word)) {
      select(selected_cluster(word, known, listing));
      continue;
    }
    auto found = false;
    for (const auto& cluster : known) {
      const auto named = fits(word, cluster.id.text()) || fits(word, cluster.display_name);
      if (cluster.id.empty() || !named) continue;
      select(cluster.id);
      found = true;
    }
    if (!found) refuse_unknown(word, known, listing);
  }
  return selected;
}

}  // namespace retrust
