#include "report/cluster_table.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "base/width.h"

namespace retrust {
namespace {

namespace json = boost::json;
using std::chrono::sys_seconds;
using Registration = ListedCluster::Registration;
using TokenPlace = ListedCluster::TokenPlace;

constexpr std::string_view nothing = "-";
constexpr std::string_view unknown = "unknown";

std::string or_nothing(const std::string& text) {
  return text.empty() ? std::string(nothing) : text;
}

/// "2026-11-24"
std::string day_text(sys_seconds time) {
  constexpr std::size_t size = 10;
  return utc_text(time).substr(0, size);
}

/// As kubectl joins states: "x509,deleting".
std::string state_text(const ListedCluster& cluster) {
  std::string text(word_of(cluster.state));
  if (cluster.is_own()) text += ",own";
  if (cluster.deletion) text += ",deleting";
  return text;
}

std::string ca_text(const ListedCluster& cluster) {
  if (cluster.is_own()) return std::string(nothing);
  if (cluster.ca_ends) return day_text(*cluster.ca_ends);
  return std::string(cluster.ca == ListedCluster::Ca::none ? nothing : "unreadable");
}

std::string left_text(const ListedCluster& cluster, const ListLimits& limits) {
  if (cluster.is_own() || !cluster.ca_ends) return std::string(nothing);
  const auto left = *cluster.ca_ends - limits.now;
  const auto days = std::chrono::duration_cast<std::chrono::days>(left).count();
  if (days != 0) return fmt::format("{}d", days);
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(left).count();
  return fmt::format("{}{}h", left.count() < 0 && hours == 0 ? "-" : "", hours);
}

std::string_view word_of(Known known) {
  return known == Known::yes ? "yes" : known == Known::no ? "no" : unknown;
}

std::string token_text(const ListedCluster& cluster) {
  if (cluster.is_own()) return std::string(nothing);
  switch (cluster.token_place) {
    case TokenPlace::secret:
      return "secret/" + cluster.token_secret.text();
    case TokenPlace::record:
      return "record";
    case TokenPlace::none:
      break;
  }
  return "none";
}

std::string registration_text(const ListedCluster& cluster) {
  if (cluster.is_own()) return std::string(nothing);
  switch (cluster.registration) {
    case Registration::limited:
      return day_text(*cluster.registration_ends);
    case Registration::unlimited:
      return "never";
    case Registration::none:
      return std::string(nothing);
    case Registration::unknown:
      break;
  }
  return std::string(unknown);
}

std::string_view word_of(Live::Result result) {
  switch (result) {
    case Live::Result::same:
      return "same";
    case Live::Result::differs:
      return "differs";
    case Live::Result::unclear:
      return "unclear";
    case Live::Result::no_answer:
      break;
  }
  return "no answer";
}

/// "differs: token, CA"
std::string live_text(const ListedCluster& cluster) {
  if (!cluster.live) return std::string(nothing);
  const auto& live = *cluster.live;
  const auto parts = live.result == Live::Result::differs   ? differing_parts(live.comparison)
                     : live.result == Live::Result::unclear ? unclear_parts(live.comparison)
                                                            : std::vector<std::string>{};
  return fmt::format("{}{}{}", word_of(live.result), parts.empty() ? "" : ": ",
                     fmt::join(parts, ", "));
}

using Cells = std::vector<std::string>;

/// Which columns the table has.
struct Layout {
  Columns columns;
  ClusterList::Asked asked;

  bool has_live() const { return asked == ClusterList::Asked::downstream_too; }
};

Cells header(const Layout& layout) {
  Cells cells{"ID", "NAME", "STATE", "CA-ENDS", "LEFT", "COMPLETE", "DRIVER"};
  if (layout.columns == Columns::wide) {
    cells.insert(cells.end(), {"KUBERNETES", "REGISTRATION-ENDS", "TOKEN", "MISSING"});
  }
  if (layout.has_live()) cells.emplace_back("LIVE");
  return cells;
}

Cells cells_of(const ListedCluster& cluster, const Layout& layout, const ListLimits& limits) {
  const auto complete = cluster.is_own() ? nothing : word_of(cluster.complete());
  Cells cells{cluster.id.text(),
              or_nothing(cluster.display_name.str()),
              state_text(cluster),
              ca_text(cluster),
              left_text(cluster, limits),
              std::string(complete),
              or_nothing(cluster.driver.str())};
  if (layout.columns == Columns::wide) {
    cells.push_back(or_nothing(cluster.kubernetes_version.str()));
    cells.push_back(registration_text(cluster));
    cells.push_back(token_text(cluster));
    cells.push_back(or_nothing(fmt::format("{}", fmt::join(cluster.missing, ","))));
  }
  if (layout.has_live()) cells.push_back(live_text(cluster));
  return cells;
}

TableLine::Kind kind_of(const ListedCluster& cluster, const ListLimits& limits) {
  using enum TableLine::Kind;
  if (cluster.is_own() || cluster.deletion) return faint;
  const auto ended = cluster.ca_ends && *cluster.ca_ends <= limits.now;
  const auto rejected =
      cluster.state == RancherState::x509 || cluster.state == RancherState::unauthorized;
  const auto differs = cluster.live && cluster.live->result == Live::Result::differs;
  if (rejected || ended || differs) return bad;
  return attention(cluster, limits).empty() ? plain : warning;
}

json::value time_or_null(const std::optional<sys_seconds>& time) {
  return time ? json::value(utc_text(*time)) : json::value(nullptr);
}

std::string_view word_of(ListedCluster::Ca ca) {
  switch (ca) {
    case ListedCluster::Ca::known:
      return "known";
    case ListedCluster::Ca::unreadable:
      return "unreadable";
    case ListedCluster::Ca::none:
      break;
  }
  return "none";
}

std::string_view word_of(Registration registration) {
  switch (registration) {
    case Registration::limited:
      return "limited";
    case Registration::unlimited:
      return "unlimited";
    case Registration::none:
      return "none";
    case Registration::unknown:
      break;
  }
  return unknown;
}

std::string_view word_of(TokenPlace place) {
  return place == TokenPlace::secret ? "secret" : place == TokenPlace::record ? "record" : "none";
}

std::string_view word_of(LiveComparison::Part part) {
  return part == LiveComparison::Part::same      ? "same"
         : part == LiveComparison::Part::differs ? "differs"
                                                 : unknown;
}

json::value live_report(const std::optional<Live>& live) {
  if (!live) return nullptr;
  const auto no_answer = live->result == Live::Result::no_answer;
  json::object report;
  report["result"] = no_answer ? "no-answer" : word_of(live->result);
  report["token"] = word_of(live->comparison.token);
  report["ca"] = word_of(live->comparison.ca);
  report["kubeconfig"] = DisplayText(live->kubeconfig).str();
  report["context"] = DisplayText(live->context).str();
  report["trouble"] = live->trouble;
  return report;
}

json::object cluster_report(const ListedCluster& cluster, const ListLimits& limits) {
  json::object ready;
  ready["status"] = cluster.ready.status.str();
  ready["reason"] = cluster.ready.reason.str();
  ready["message"] = cluster.ready.message.str();
  json::object stored;
  stored["ca"] = word_of(cluster.ca);
  stored["caEnds"] = time_or_null(cluster.ca_ends);
  stored["caDaysLeft"] =
      cluster.ca_ends ? json::value(days_left(*cluster.ca_ends, limits.now)) : json::value(nullptr);
  stored["token"] = word_of(cluster.token_place);
  stored["tokenSecret"] = cluster.token_secret.empty() ? json::value(nullptr)
                                                       : json::value(cluster.token_secret.text());
  stored["complete"] = cluster.complete() == Known::unknown
                           ? json::value(nullptr)
                           : json::value(cluster.complete() == Known::yes);
  json::array missing;
  for (const auto part : cluster.missing) missing.emplace_back(part);
  stored["missing"] = std::move(missing);
  json::object registration;
  registration["state"] = word_of(cluster.registration);
  registration["ends"] = time_or_null(cluster.registration_ends);
  json::array reasons;
  for (const auto& clause : attention(cluster, limits)) reasons.emplace_back(clause);
  json::object entry;
  entry["id"] = cluster.id.text();
  entry["displayName"] = cluster.display_name.str();
  entry["own"] = cluster.is_own();
  entry["driver"] = cluster.driver.str();
  entry["kubernetes"] = cluster.kubernetes_version.str();
  entry["state"] = word_of(cluster.state);
  entry["ready"] = std::move(ready);
  entry["deletedAt"] = time_or_null(cluster.deletion);
  entry["stored"] = std::move(stored);
  entry["registration"] = std::move(registration);
  entry["live"] = live_report(cluster.live);
  entry["attention"] = std::move(reasons);
  return entry;
}

}  // namespace

std::vector<TableLine> cluster_table(const std::vector<ListedCluster>& clusters, Columns columns,
                                     const ListLimits& limits, ClusterList::Asked asked) {
  if (clusters.empty()) return {};
  const Layout layout{columns, asked};
  const auto titles = header(layout);
  std::vector<std::size_t> widths;
  for (const auto& title : titles) widths.push_back(width_of(title));
  const auto each_row = [&](const auto& take) {
    for (const auto& cluster : clusters) take(cluster, cells_of(cluster, layout, limits));
  };
  // The cells are made twice, so that only the widths stay in memory.
  each_row([&](const ListedCluster&, const Cells& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(cells[i]));
    }
  });
  const auto line_of = [&](const Cells& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += cells[i];
      if (i + 1 < cells.size()) line.append(widths[i] - width_of(cells[i]) + 2, ' ');
    }
    return line;
  };
  std::vector<TableLine> lines{{line_of(titles), TableLine::Kind::header}};
  each_row([&](const ListedCluster& cluster, const Cells& cells) {
    lines.push_back({line_of(cells), kind_of(cluster, limits)});
  });
  return lines;
}

std::vector<std::string> cluster_names(const std::vector<ListedCluster>& clusters) {
  std::vector<std::string> names;
  for (const auto& cluster : clusters) {
    if (!cluster.is_own()) {
      names.push_back(fmt::format("clusters.management.cattle.io/{}", cluster.id));
    }
  }
  return names;
}

json::object list_report(const ClusterList& list, const ListLimits& limits) {
  json::array clusters;
  for (const auto& cluster : list.clusters) {
    clusters.emplace_back(cluster_report(cluster, limits));
  }
  json::array unread;
  for (const auto& sentence : list.unread) unread.emplace_back(sentence);
  json::object whole;
  whole["version"] = 1;
  whole["needsAttention"] = need_attention(list.clusters, limits);
  whole["warnDays"] = limits.warn_days;
  whole["rancher"] = list.rancher.str();
  whole["unread"] = std::move(unread);
  json::array unused;
  for (const auto& each : list.unused) {
    json::object context;
    context["kubeconfig"] = each.kubeconfig.str();
    context["context"] = each.context.str();
    context["reason"] = each.reason;
    unused.emplace_back(std::move(context));
  }
  whole["unusedContexts"] = std::move(unused);
  whole["clusters"] = std::move(clusters);
  return whole;
}

bool need_attention(const std::vector<ListedCluster>& clusters, const ListLimits& limits) {
  return std::any_of(clusters.begin(), clusters.end(), [&](const ListedCluster& cluster) {
    return !attention(cluster, limits).empty();
  });
}

}  // namespace retrust
