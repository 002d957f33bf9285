#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/matching.h"
#include "app/table_color.h"
#include "base/pod_account.h"
#include "base/text.h"
#include "fleet/observe_live.h"
#include "observe/observe_clusters.h"
#include "report/cluster_table.h"
#include "report/next.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

void print_table(Invocation& app, const ClusterList& list, const ListLimits& limits) {
  const auto columns = app.options.output == OutputFormat::wide ? Columns::wide : Columns::usual;
  for (const auto& line : cluster_table(list.clusters, columns, limits, list.asked)) {
    app.terminal->print_result(app.redactor.mask(line.text), color_of(line.kind));
  }
}

/// Contexts without a use. One that leads to several clusters of Rancher is used for each.
std::vector<UnusedContext> unused_contexts(const std::vector<Match>& matches) {
  std::vector<UnusedContext> unused;
  for (const auto& match : matches) {
    const auto why = why_unused(match, matches);
    if (why.empty() || match.result == Match::Result::several) continue;
    unused.push_back({match.context.file, match.context.name, one_line(why)});
  }
  return unused;
}

/// Asks the downstream clusters that the kubeconfigs lead to.
boost::asio::awaitable<void> ask_downstream(Invocation& app, const Kubectl& local,
                                            std::vector<KubeconfigFile> files, ClusterList& list) {
  const Journal journal(app.events);
  const auto matched = co_await matched_contexts(app, local, list, std::move(files));
  const auto count = live_ways(matched.matches, list.clusters).size();
  if (count > 1) {
    journal.wait_started(fmt::format("for the live credentials of {} clusters", count),
                         answer_time(count));
  }
  co_await observe_live(matched.kubectl, matched.matches, app.options.name_space, list.clusters,
                        clusters_at_once);
  if (count > 1) journal.wait_ended("each cluster was asked");
  list.asked = ClusterList::Asked::downstream_too;
  list.unused = unused_contexts(matched.matches);
}

/// "prod.yaml, context production", for a line.
std::string name_of(const DisplayText& kubeconfig, const DisplayText& context) {
  if (context.empty()) return DisplayText(shown_kubeconfig(kubeconfig.str()));
  return fmt::format("{}, context {}", kubeconfig, context);
}

/// Tells of contexts without a use, and of clusters whose answer is not clear.
void tell_live(Invocation& app, const ClusterList& list) {
  std::vector<std::string> lines;
  for (const auto& each : list.unused) {
    lines.push_back(fmt::format("{}: {}", name_of(each.kubeconfig, each.context), each.reason));
  }
  for (const auto& cluster : list.clusters) {
    if (!cluster.live || cluster.live->trouble.empty()) continue;
    lines.push_back(fmt::format("{} ({}) by {}: {}", cluster.display_name, cluster.id,
                                name_of(cluster.live->kubeconfig, cluster.live->context),
                                cluster.live->trouble));
  }
  for (const auto& line : told_unused_lines(std::move(lines))) Journal(app.events).warning(line);
}

/// The call with the way to the cluster. Kubeconfigs that do not lead to it are left out.
Called led_to(Called called, const ListedCluster& cluster, ClusterList::Asked asked) {
  if (asked == ClusterList::Asked::downstream_too) {
    called.found = {fmt::format("--cluster={}", cluster.id)};
  }
  if (cluster.live) {
    called.found = way_words(cluster.live->kubeconfig, cluster.live->context, cluster.id);
  }
  return called;
}

/// Tells what the table cannot, on standard error.
void tell_beside(Invocation& app, const ClusterList& list, const ListLimits& limits) {
  for (const auto& sentence : list.unread) Journal(app.events).warning(sentence);
  tell_live(app, list);
  const auto only_own = std::all_of(list.clusters.begin(), list.clusters.end(),
                                    [](const ListedCluster& each) { return each.is_own(); });
  if (only_own) {
    app.output.write(Stream::err, "No clusters. Rancher knows none besides its own.\n");
    return;
  }
  const auto shows_table =
      app.options.output == OutputFormat::text || app.options.output == OutputFormat::wide;
  const auto& first = list.clusters.front();
  if (!shows_table || attention(first, limits).empty()) return;
  app.terminal->tell_next(next_after_list(led_to(app.called, first, list.asked), first));
}

}  // namespace

boost::asio::awaitable<ExitStatus> list_command(Invocation& app) {
  auto files = given_files(app.options);
  const auto local = co_await app.toolbox.connect_local();
  const auto digests = files.empty() ? Digests::leave : Digests::keep;
  auto list = co_await observe_clusters(local, app.redactor, Journal(app.events), digests);
  if (!files.empty()) co_await ask_downstream(app, local, std::move(files), list);
  app.toolbox.end_sessions();
  const ListLimits limits{
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
      app.options.warn_days};
  sort_by_urgency(list.clusters, limits);
  switch (app.options.output) {
    case OutputFormat::json: {
      boost::json::value shown(list_report(list, limits));
      mask_values(shown, app.redactor);
      print_json(app.output, shown);
      break;
    }
    case OutputFormat::name:
      for (const auto& name : cluster_names(list.clusters)) app.terminal->print_result(name);
      break;
    case OutputFormat::text:
    case OutputFormat::wide:
      print_table(app, list, limits);
      break;
  }
  tell_beside(app, list, limits);
  const auto attention = need_attention(list.clusters, limits);
  co_return status_of_output(app.output, attention ? ExitStatus::differs : ExitStatus::done);
}

}  // namespace retrust
