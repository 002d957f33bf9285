#include "report/fleet_table.h"

#include <algorithm>
#include <array>
#include <set>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "base/width.h"

namespace retrust {
namespace {

/// Exit statuses above this number stand for signals.
constexpr std::int64_t signals = 128;

/// Columns for a name: a longer one is cut.
constexpr std::size_t widest_name = 40;

/// The rank of an exit status: 0 is the worst.
std::size_t rank_of(std::int64_t status) {
  constexpr std::array<std::int64_t, 8> order{1, 5, 6, 4, 7, 2, 3, 0};
  if (status > signals) return 0;
  const auto found = std::find(order.begin(), order.end(), status);
  return found == order.end() ? 1 : static_cast<std::size_t>(found - order.begin()) + 1;
}

std::vector<const FleetResult*> sorted(const std::vector<FleetResult>& results) {
  std::vector<const FleetResult*> order;
  for (const auto& each : results) order.push_back(&each);
  std::stable_sort(order.begin(), order.end(), [](const FleetResult* a, const FleetResult* b) {
    return rank_of(a->end.status) < rank_of(b->end.status);
  });
  return order;
}

/// True if the result says it all.
bool is_plain(const ClusterEnded& end) {
  return end.result == "repaired" || end.result == "nothing needed";
}

TableLine::Kind kind_of(std::int64_t status) {
  if (status == 0) return TableLine::Kind::plain;
  return status == 3 ? TableLine::Kind::warning : TableLine::Kind::bad;
}

}  // namespace

int worst_status(const std::vector<FleetResult>& results) {
  const auto order = sorted(results);
  return order.empty() ? 0 : static_cast<int>(order.front()->end.status);
}

std::string worst_code(const std::vector<FleetResult>& results) {
  const auto order = sorted(results);
  return order.empty() ? std::string() : order.front()->end.code;
}

std::string counted_results(const std::vector<FleetResult>& results) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const auto* each : sorted(results)) {
    const auto& word = each->end.result;
    const auto known = std::find_if(counts.begin(), counts.end(),
                                    [&](const auto& count) { return count.first == word; });
    if (known == counts.end()) {
      counts.emplace_back(word, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> words;
  for (const auto& [word, count] : counts) {
    const auto several = count > 1 && word == "needs repair";
    words.push_back(fmt::format("{} {}", count, several ? "need repair" : word));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::vector<TableLine> fleet_table(const std::vector<FleetResult>& results) {
  std::vector<std::array<std::string, 4>> rows{{"NAME", "ID", "RESULT", "NOW"}};
  std::vector<TableLine::Kind> kinds{TableLine::Kind::header};
  for (const auto* each : sorted(results)) {
    // What holds for a cluster that is well is in its transcript.
    rows.push_back({std::string(fitting(each->end.name, widest_name)),
                    each->end.id.empty() ? "-" : each->end.id, each->end.result,
                    is_plain(each->end) ? std::string() : one_line(each->text)});
    kinds.push_back(kind_of(each->end.status));
  }
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  std::vector<TableLine> lines;
  for (std::size_t index = 0; index < rows.size(); ++index) {
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text += rows[index][i];
      text.append(widths[i] - width_of(rows[index][i]) + 2, ' ');
    }
    text += rows[index].back();
    text.erase(text.find_last_not_of(' ') + 1);
    lines.push_back({std::move(text), kinds[index]});
  }
  return lines;
}

std::vector<Advice> fleet_next(const std::vector<FleetResult>& results, std::size_t most) {
  std::vector<Advice> next;
  std::set<std::string> told;
  for (const auto* each : sorted(results)) {
    // One command repairs all that need it.
    const auto common = each->end.status == 0 || each->end.status == 3;
    if (common || each->end.next.empty()) continue;
    if (next.size() == most) break;
    auto advice = each->end.next.front();
    // Clusters that were not begun have one cause.
    if (!told.insert(advice.text()).second) continue;
    advice.sentence = fmt::format("{}: {}", each->end.name, advice.sentence);
    next.push_back(std::move(advice));
  }
  return next;
}

boost::json::object fleet_report(const std::vector<FleetResult>& results) {
  boost::json::array clusters;
  for (const auto* each : sorted(results)) {
    boost::json::object cluster{{"id", each->end.id},
                                {"name", each->end.name},
                                {"result", each->end.result},
                                {"status", each->end.status},
                                {"text", each->text}};
    if (!each->end.code.empty()) cluster["code"] = each->end.code;
    if (!each->report.is_null()) cluster["report"] = each->report;
    clusters.emplace_back(std::move(cluster));
  }
  return {{"clusters", std::move(clusters)}};
}

}  // namespace retrust
