#include "app/selection.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/matching.h"
#include "app/usage.h"
#include "base/text.h"
#include "observe/cluster_choice.h"
#include "observe/commands.h"
#include "observe/observe_clusters.h"
#include "report/next.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// True if the options name one context and one cluster.
bool names_one_way(const Options& options) {
  if (options.kubeconfigs.size() != 1 || options.contexts == ContextChoice::all) return false;
  if (options.choice == ClusterChoice::all) return false;
  if (options.cluster.empty() || is_pattern(options.cluster)) return false;
  const auto& path = options.kubeconfigs.front();
  std::error_code gone;
  const auto state = std::filesystem::status(path, gone);
  const auto there = std::filesystem::exists(state);
  if (there) return !std::filesystem::is_directory(state);
  return path.find(':') == std::string::npos;
}

std::vector<NamedCluster> named(const ClusterList& list) {
  std::vector<NamedCluster> known;
  for (const auto& cluster : list.clusters) {
    if (!cluster.is_own()) known.push_back({cluster.id, cluster.display_name.str()});
  }
  return known;
}

/// The display name; the ID of a cluster that has none.
DisplayText name_of(const ClusterList& list, const ClusterId& id) {
  const auto found = std::find_if(list.clusters.begin(), list.clusters.end(),
                                  [&](const ListedCluster& each) { return each.id == id; });
  const auto has_name = found != list.clusters.end() && !found->display_name.empty();
  return has_name ? found->display_name : DisplayText(id.text());
}

/// What was found out, and what nobody could tell.
struct Found {
  ClusterList list;
  std::vector<ClusterId> selected;  ///< by the words of --cluster
  std::vector<Match> matches;
  std::string listing;  ///< a command that lists the clusters
};

bool is_selected(const Found& found, const ClusterId& id) {
  return std::find(found.selected.begin(), found.selected.end(), id) != found.selected.end();
}

/// Of several clusters that the evidence fits, the one that was named.
std::optional<ClusterId> cluster_of(const Found& found, const Match& match) {
  if (match.result == Match::Result::proven) return match.clusters.front();
  if (match.result != Match::Result::several) return std::nullopt;
  std::optional<ClusterId> named;
  for (const auto& id : match.clusters) {
    if (!is_selected(found, id)) continue;
    if (named) return std::nullopt;
    named = id;
  }
  return named;
}

bool leads_to(const std::vector<Way>& ways, const ClusterId& id) {
  return std::any_of(ways.begin(), ways.end(), [&](const Way& way) { return way.cluster == id; });
}

/// Ways to the clusters that were selected; to every one that was proven if none was.
std::vector<Way> ways_of(const Found& found) {
  std::vector<Way> ways;
  for (const auto& match : found.matches) {
    const auto id = cluster_of(found, match);
    if (!id || (!found.selected.empty() && !is_selected(found, *id))) continue;
    if (!leads_to(ways, *id)) ways.push_back({*id, name_of(found.list, *id), match});
  }
  return ways;
}

/// All that can explain a refusal, a line each.
std::string explained(const Found& found) {
  auto lines = unused_lines(found.matches);
  lines.insert(lines.end(), found.list.unread.begin(), found.list.unread.end());
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// Selected clusters to which no context leads.
std::vector<std::string> missed(const Found& found, const std::vector<Way>& ways) {
  std::vector<std::string> without;
  for (const auto& id : found.selected) {
    if (!leads_to(ways, id)) without.push_back(fmt::format("{} ({})", name_of(found.list, id), id));
  }
  return without;
}

/// The code of a failure because a context does not tell where it leads.
FailureCode code_of(const Match& match) {
  try {
    if (match.failure) std::rethrow_exception(match.failure);
  } catch (const Failure& failure) {
    return failure.code;
  } catch (...) {
    return FailureCode::refused;
  }
  return FailureCode::refused;
}

/// The code of the first context whose cluster did not answer, or answered 401 or 403; else the
/// code given.
FailureCode code_of(const std::vector<Match>& matches, FailureCode otherwise) {
  const auto silent = std::find_if(matches.begin(), matches.end(), [](const Match& match) {
    return info_of(code_of(match)).status == ExitStatus::no_answer;
  });
  return silent == matches.end() ? otherwise : code_of(*silent);
}

/// Throws Failure if the one selected cluster has no way, or if there is no way at all.
void check_ways(const Found& found, const std::vector<Way>& ways) {
  if (!ways.empty()) return;
  const auto without = missed(found, ways);
  const auto& matches = found.matches;
  if (matches.size() == 1 && matches.front().failure) {
    std::rethrow_exception(matches.front().failure);
  }
  throw Failure(
      code_of(matches, FailureCode::wrong_cluster),
      fmt::format("no context of the kubeconfigs is proven to lead to {}",
                  without.empty() ? "a cluster that this Rancher knows" : enumerated(without)),
      {"give a kubeconfig that leads straight to the cluster, and name the cluster with "
       "--cluster; list all clusters",
       found.listing},
      explained(found));
}

/// True if nobody can tell where the context leads.
bool is_unclear(const Match& match) {
  return match.result == Match::Result::no_answer ||
         (match.result == Match::Result::unproven && !match.trouble.empty());
}

/// True if the cluster was asked, and did not tell. What is no kubeconfig leads nowhere.
bool gave_no_answer(const Match& match) {
  return is_unclear(match) && (match.failure || match.result == Match::Result::unproven);
}

/// Without a choice of clusters, what is changed or printed must not depend on which server answers
/// today.
void check_all_answered(const Options& options, const Found& found) {
  const auto looks_only =
      options.command == CommandName::status || options.command == CommandName::plan;
  if (!found.selected.empty() || looks_only || options.choice == ClusterChoice::all) return;
  if (std::none_of(found.matches.begin(), found.matches.end(), is_unclear)) return;
  throw Failure(code_of(found.matches, FailureCode::refused),
                "which clusters the kubeconfigs lead to is not clear for each context",
                {"name the cluster that is meant with --cluster; list all clusters", found.listing},
                explained(found));
}

/// Two clusters can show the evidence of one: a copy, or one that lies. Empty if none does.
std::string contradiction(const Found& found, const Way& way) {
  for (const auto& match : found.matches) {
    const auto& shown = match.clusters;
    const auto same = std::find(shown.begin(), shown.end(), way.cluster) != shown.end();
    if (!same || match.kube_system_uid == way.match.kube_system_uid) continue;
    return fmt::format("two different clusters show that they are {} ({}): {}; and {}",
                       way.display_name, way.cluster, text_of(way.match.context),
                       text_of(match.context));
  }
  return {};
}

std::vector<std::string> words_of(const Way& way) {
  return way_words(way.match.context.file, way.match.context.name, way.cluster);
}

/// Several clusters are changed only if that was asked for.
void check_several(const Invocation& app, const Found& found, const std::vector<Way>& ways) {
  const auto& options = app.options;
  const auto looks = options.command == CommandName::status || options.command == CommandName::plan;
  const auto asked_for = looks || options.choice == ClusterChoice::all || !found.selected.empty();
  if (asked_for && options.command != CommandName::step) return;
  std::vector<std::string> names;
  for (const auto& way : ways) {
    names.push_back(fmt::format("{} ({})", way.display_name, way.cluster));
  }
  const auto& first = ways.front();
  auto advice =
      with_way(app.called, options.command, words_of(first),
               fmt::format("name one cluster with --cluster{}; for {}",
                           options.command == CommandName::run ? ", or give --all-clusters" : "",
                           names.front()));
  throw Failure(
      ExitStatus::usage,
      fmt::format("the kubeconfigs lead to {}, and {}: {}", counted(ways.size(), "cluster"),
                  options.command == CommandName::step ? "step takes one" : "none was named",
                  enumerated(names)),
      std::move(advice));
}

/// What is done to the downstream cluster must not be done to Rancher's own.
void check_two_sides(const std::vector<Match>& matches) {
  if (matches.size() != 1 || matches.front().result != Match::Result::own) return;
  throw Failure(ExitStatus::usage,
                fmt::format("--kubeconfig ({}) leads to the cluster of --local-kubeconfig",
                            text_of(matches.front().context)),
                "give a kubeconfig of the downstream cluster with --kubeconfig");
}

/// Tells of the contexts that are not used.
void tell_unused(Invocation& app, const std::vector<Match>& matches) {
  for (auto& line : told_unused_lines(unused_lines(matches))) {
    Journal(app.events).warning(line);
    app.found.push_back(std::move(line));
  }
}

/// Tells of the clusters that Rancher cannot use, and to which no context leads.
void tell_without_way(Invocation& app, const Found& found, const std::vector<Way>& ways) {
  std::vector<std::string> lines;
  for (const auto& cluster : found.list.clusters) {
    const auto well = cluster.state == RancherState::ok || cluster.is_own() || cluster.deletion;
    if (well || leads_to(ways, cluster.id)) continue;
    lines.push_back(fmt::format("Rancher says {} of {} ({}), and no context leads there",
                                word_of(cluster.state), cluster.display_name, cluster.id));
  }
  for (auto& line : told_unused_lines(std::move(lines))) {
    Journal(app.events).warning(line);
    app.found.push_back(std::move(line));
  }
}

}  // namespace

void take_way(Options& options, Called& called, const Way& way) {
  options.cluster = way.cluster.text();
  options.kubeconfig = way.match.context.file;
  options.context = way.match.context.name;
  options.cluster_uid = way.match.kube_system_uid;
  called.found = words_of(way);
}

awaitable<Selection> select_clusters(Invocation& app) {
  auto& options = app.options;
  Selection selection;
  if (names_one_way(options)) co_return selection;
  auto files = given_files(options);
  const Journal journal(app.events);
  const auto local = co_await app.toolbox.connect_local();
  Found found;
  found.list = co_await observe_clusters(local, app.redactor, journal);
  found.listing = local.shown(commands::cluster_names());
  found.selected = selected_clusters(options.clusters, named(found.list), found.listing);
  auto matched = co_await matched_contexts(app, local, found.list, std::move(files));
  found.matches = std::move(matched.matches);
  check_two_sides(found.matches);
  auto ways = ways_of(found);
  check_ways(found, ways);
  const auto several =
      ways.size() > 1 || options.choice == ClusterChoice::all || found.selected.size() > 1;
  if (several) check_several(app, found, ways);
  for (auto& way : ways) {
    way.refusal = contradiction(found, way);
    if (way.refusal.empty() || several) continue;
    throw Failure(FailureCode::wrong_cluster, way.refusal,
                  "find out which one is the right one, and give its kubeconfig alone");
  }
  check_all_answered(options, found);
  tell_unused(app, found.matches);
  if (several && found.selected.empty()) tell_without_way(app, found, ways);
  if (several) {
    selection.local = local;
    selection.missed = missed(found, ways);
    selection.missed_code = code_of(found.matches, FailureCode::wrong_cluster);
    // Whoever named the clusters is told of the ones without a way.
    for (const auto& match : found.matches) {
      const auto counts = found.selected.empty() && gave_no_answer(match);
      if (counts) selection.unclear.push_back({text_of(match.context), code_of(match)});
    }
    selection.ways = std::move(ways);
    co_return selection;
  }
  app.toolbox.end_sessions();
  const auto& way = ways.front();
  take_way(options, app.called, way);
  auto line =
      fmt::format("{} leads to {} ({})", text_of(way.match.context), way.display_name, way.cluster);
  // What is printed for another program says nothing of itself.
  const auto prints_alone = options.step == Step::get_token || options.step == Step::get_ca;
  if (prints_alone) {
    journal.warning(line);
  } else {
    journal.finding(line);
  }
  app.found.push_back(std::move(line));
  co_return selection;
}

}  // namespace retrust
