#include "transcript/summary.h"

#include <algorithm>

#include <fmt/format.h>

#include "transcript/account.h"
#include "transcript/document.h"
#include "transcript/markdown.h"

namespace retrust {
namespace {

std::string clusters_text(const Account& account) {
  if (account.clusters.empty()) return {};
  std::vector<std::vector<std::string>> rows{{"cluster", "ID", "result", "last step", "now"}};
  for (const auto& event : account.clusters) {
    const auto& cluster = std::get<ClusterEnded>(event.what);
    rows.push_back({cell_text(cluster.name), cell_text(cluster.id), cell_text(cluster.result),
                    cell_text(cluster.last_step), cell_text(event.text)});
  }
  return "\n## Clusters\n\n" + table(rows);
}

std::string next_text(const Account& account) {
  std::string text;
  for (const auto& event : account.clusters) {
    const auto& cluster = std::get<ClusterEnded>(event.what);
    // What a person may do with a cluster that is well is in its transcript.
    if (cluster.status == 0) continue;
    for (const auto& advice : cluster.next) {
      text += fmt::format("- {}: {}\n", inline_text(cluster.name), advice_text(advice));
    }
  }
  return text.empty() ? text : "\n## Left to do for the clusters\n\n" + text;
}

std::string files_text(const Account& account) {
  std::string text;
  for (const auto& event : account.clusters) {
    const auto& cluster = std::get<ClusterEnded>(event.what);
    if (cluster.folder.empty()) continue;
    text += fmt::format("- {}: {}\n", inline_text(cluster.name),
                        inline_text(cluster.folder + "/transcript.md"));
  }
  return text.empty() ? text : "\n## Transcripts\n\n" + text;
}

}  // namespace

std::string summary(const std::vector<Event>& events) {
  if (events.empty()) return {};
  auto account = account_of(events);
  std::stable_partition(account.clusters.begin(), account.clusters.end(), [](const Event& event) {
    return std::get<ClusterEnded>(event.what).status != 0;
  });
  return fmt::format("# {}\n\n{}\n", inline_text(account.title), verdict_text(account)) +
         clusters_text(account) + next_text(account) + files_text(account) + "\n## The run\n\n" +
         head_text(account) + parts_text(account) + left_to_do_text(account) +
         other_commands_text(account);
}

}  // namespace retrust
