#include "app/selection.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "fleet/kubeconfig_files.h"
#include "fleet/observe_contexts.h"
#include "observe/cluster_choice.h"
#include "observe/commands.h"
#include "observe/observe_clusters.h"
#include "report/next.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// Clusters that are asked at once.
constexpr std::size_t at_once = 8;

/// True if the options name one context and one cluster.
bool names_one_way(const Options& options) {
  if (options.kubeconfigs.size() != 1 || options.contexts == ContextChoice::all) return false;
  if (options.cluster.empty() || is_pattern(options.cluster)) return false;
  const auto& path = options.kubeconfigs.front();
  std::error_code gone;
  const auto state = std::filesystem::status(path, gone);
  const auto there = std::filesystem::exists(state);
  if (there) return !std::filesystem::is_directory(state);
  return path.find(':') == std::string::npos;
}

/// A way to a cluster that is meant.
struct Way {
  ClusterId cluster;
  DisplayText display_name;
  GivenContext context;
};

std::vector<NamedCluster> named(const ClusterList& list) {
  std::vector<NamedCluster> known;
  for (const auto& cluster : list.clusters) {
    if (!cluster.is_own()) known.push_back({cluster.id, cluster.display_name.str()});
  }
  return known;
}

DisplayText name_of(const ClusterList& list, const ClusterId& id) {
  const auto found = std::find_if(list.clusters.begin(), list.clusters.end(),
                                  [&](const ListedCluster& each) { return each.id == id; });
  return found == list.clusters.end() ? DisplayText() : found->display_name;
}

/// "prod.yaml, context a: leads through Rancher, to c-abcde", for each context without a use.
std::string unused_text(const std::vector<Match>& matches) {
  std::string text;
  for (const auto& match : matches) {
    const auto why = why_unused(match, matches);
    if (why.empty()) continue;
    if (!text.empty()) text += '\n';
    text += fmt::format("{}: {}", text_of(match.context), one_line(why));
  }
  return text;
}

/// Ways to the clusters that the words select; to every one that was proven if there is no word.
std::vector<Way> ways_to(const std::vector<std::string>& words, const ClusterList& list,
                         const std::vector<Match>& matches, const std::string& listing) {
  const auto selected = selected_clusters(words, named(list), listing);
  std::vector<Way> ways;
  for (const auto& match : matches) {
    if (match.result != Match::Result::proven) continue;
    const auto& id = match.clusters.front();
    const auto meant =
        words.empty() || std::find(selected.begin(), selected.end(), id) != selected.end();
    if (meant) ways.push_back({id, name_of(list, id), match.context});
  }
  return ways;
}

[[noreturn]] void refuse_without_way(const std::vector<std::string>& words,
                                     const std::vector<Match>& matches,
                                     const std::string& listing) {
  throw Failure(
      ExitStatus::refused,
      fmt::format("no context of the kubeconfigs is proven to lead to {}",
                  words.empty() ? "a cluster that this Rancher knows" : enumerated(words)),
      {"give a kubeconfig that leads straight to the cluster, and name the cluster with "
       "--cluster; list all clusters",
       listing},
      unused_text(matches));
}

[[noreturn]] void refuse_several(const Invocation& app, const std::vector<Way>& ways) {
  std::vector<std::string> names;
  for (const auto& way : ways)
    names.push_back(fmt::format("{} ({})", way.display_name, way.cluster));
  throw Failure(
      ExitStatus::usage,
      fmt::format("the kubeconfigs lead to {} clusters: {}", ways.size(), enumerated(names)),
      with_way(
          app.called, app.options.command,
          {"--kubeconfig=" + ways.front().context.file, "--context=" + ways.front().context.name,
           fmt::format("--cluster={}", ways.front().cluster)},
          "give one of them at a time; for the first"));
}

/// What is done to the downstream cluster must not be done to Rancher's own.
void check_two_sides(const std::vector<Match>& matches) {
  if (matches.size() != 1 || matches.front().result != Match::Result::own) return;
  throw Failure(ExitStatus::usage,
                fmt::format("--kubeconfig ({}) leads to the cluster of --local-kubeconfig",
                            text_of(matches.front().context)),
                "give a kubeconfig of the downstream cluster with --kubeconfig");
}

}  // namespace

awaitable<void> select_cluster(Invocation& app) {
  auto& options = app.options;
  if (names_one_way(options)) co_return;
  auto files = kubeconfig_files(options.kubeconfigs, options.contexts);
  for (auto& file : files) file.context = options.context;
  const Journal journal(app.events);
  const auto local = co_await app.toolbox.connect_local();
  const auto list = co_await observe_clusters(local, app.redactor, journal);
  const auto listing = local.shown(commands::cluster_names());
  KnownClusters known;
  known.name_space = options.name_space;
  for (const auto& cluster : list.clusters) {
    known.accounts.push_back({cluster.id, cluster.account, cluster.account_uid});
  }
  const auto own = co_await local.find(commands::kube_system());
  if (own) known.kube_system_uid = Uid::if_allowed(text_at(*own, "/metadata/uid"));
  const KubectlFor kubectl = [&app](const std::string& file, const std::string& context) {
    return app.toolbox.downstream_kubectl(file, context);
  };
  auto contexts = co_await read_contexts(kubectl, std::move(files), at_once);
  const auto matches = co_await match_contexts(kubectl, local, app.redactor, std::move(known),
                                               std::move(contexts), at_once);
  app.toolbox.end_sessions();
  check_two_sides(matches);
  const auto ways = ways_to(options.clusters, list, matches, listing);
  if (ways.empty()) refuse_without_way(options.clusters, matches, listing);
  if (ways.size() > 1) refuse_several(app, ways);
  const auto& way = ways.front();
  options.cluster = way.cluster.text();
  options.kubeconfig = way.context.file;
  options.context = way.context.name;
  app.called.found = {"--kubeconfig=" + options.kubeconfig, "--context=" + options.context,
                      "--cluster=" + options.cluster};
  journal.finding(
      fmt::format("{} leads to {} ({})", text_of(way.context), way.display_name, way.cluster));
}

}  // namespace retrust
