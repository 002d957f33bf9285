#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "app/commands.h"
#include "app/table_color.h"
#include "base/text.h"
#include "observe/observe_clusters.h"
#include "report/cluster_table.h"
#include "report/next.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

void print_table(Invocation& app, const ClusterList& list, const ListLimits& limits) {
  const auto columns = app.options.output == OutputFormat::wide ? Columns::wide : Columns::usual;
  for (const auto& line : cluster_table(list.clusters, columns, limits)) {
    app.terminal->print_result(app.redactor.mask(line.text), color_of(line.kind));
  }
}

/// Tells what the table cannot, on standard error.
void tell_beside(Invocation& app, const ClusterList& list, const ListLimits& limits) {
  for (const auto& sentence : list.unread) Journal(app.events).warning(sentence);
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
  app.terminal->tell_next(next_after_list(app.called, first));
}

}  // namespace

boost::asio::awaitable<ExitStatus> list_command(Invocation& app) {
  const auto local = co_await app.toolbox.connect_local();
  auto list = co_await observe_clusters(local, app.redactor, Journal(app.events));
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
