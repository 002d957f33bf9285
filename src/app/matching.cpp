#include "app/matching.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/login.h"
#include "process/lent_terminal.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

/// What the contexts are compared with.
boost::asio::awaitable<KnownClusters> known_clusters(const Options& options, const Kubectl& local,
                                                     const ClusterList& list) {
  KnownClusters known;
  known.name_space = options.name_space;
  for (const auto& cluster : list.clusters) {
    if (!cluster.is_own()) {
      known.accounts.push_back({cluster.id, cluster.account, cluster.account_uid});
    }
  }
  const auto own = co_await local.find(commands::kube_system());
  if (own) known.kube_system_uid = Uid::if_allowed(text_at(*own, "/metadata/uid"));
  co_return known;
}

}  // namespace

std::chrono::seconds answer_time(std::size_t clusters) {
  return (clusters + clusters_at_once - 1) / clusters_at_once * longest_answer;
}

std::vector<KubeconfigFile> given_files(const Options& options) {
  auto files = kubeconfig_files(options.kubeconfigs, options.contexts);
  for (auto& file : files) file.context = options.context;
  return files;
}

boost::asio::awaitable<MatchedContexts> matched_contexts(Invocation& app, const Kubectl& local,
                                                         const ClusterList& list,
                                                         std::vector<KubeconfigFile> files) {
  const Journal journal(app.events);
  auto known = co_await known_clusters(app.options, local, list);
  MatchedContexts matched;
  matched.kubectl = co_await app.toolbox.downstream_kubectls();
  auto contexts = co_await read_contexts(matched.kubectl, std::move(files), clusters_at_once);
  const auto many = contexts.size() > 1;
  if (!many && contexts.front().trouble.empty() && can_lend_terminal()) {
    co_await log_in(matched.kubectl(contexts.front().file, contexts.front().name), app.redactor, 1,
                    journal);
  }
  if (many) {
    journal.wait_started(fmt::format("for the clusters behind {} contexts", contexts.size()),
                         answer_time(contexts.size()));
  }
  matched.matches = co_await match_contexts(matched.kubectl, local, app.redactor, std::move(known),
                                            std::move(contexts), clusters_at_once);
  if (many) journal.wait_ended("each context was asked");
  co_return matched;
}

std::vector<std::string> unused_lines(const std::vector<Match>& matches) {
  std::vector<std::string> lines;
  for (const auto& match : matches) {
    const auto why = why_unused(match, matches);
    if (!why.empty()) lines.push_back(fmt::format("{}: {}", text_of(match.context), one_line(why)));
  }
  return lines;
}

std::vector<std::string> told_unused_lines(std::vector<std::string> lines) {
  constexpr std::size_t most = 20;
  const auto more = lines.size() > most ? lines.size() - most : 0;
  lines.resize(std::min(lines.size(), most));
  if (more > 0) lines.push_back(fmt::format("{} more like these", more));
  return lines;
}

}  // namespace retrust
