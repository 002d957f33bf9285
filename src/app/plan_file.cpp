#include "app/plan_file.h"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/version.h"
#include "base/private_file.h"
#include "base/text.h"
#include "base/trust.h"
#include "run/current_plan.h"
#include "run/saved_plan.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

/// The options of this call that decide the plan, apart from the clusters.
std::vector<std::string> deciding_words(const Called& called) {
  std::vector<std::string> words;
  for (const auto* source : {&called.args, &called.elsewhere}) {
    for (const auto& given : split_command_line(*source).options) {
      const auto name = given.option->name;
      if (!decides_plan(*given.option) || name == "cluster" || name == "all-clusters") continue;
      words.insert(words.end(), given.words.begin(), given.words.end());
    }
  }
  return words;
}

/// How another plan is saved. Of several clusters one command saves all plans.
Advice to_save_another(const Invocation& app) {
  constexpr const char* sentence = "save a plan of what is needed now";
  if (app.host.saved_plan->clusters.size() > 1) {
    return {fmt::format("{}, for all clusters together", sentence)};
  }
  return Advice::retrust(sentence, "plan", "--out=" + app.options.plan_file);
}

}  // namespace

std::string save_plan(const Invocation& app, boost::json::array clusters) {
  const auto& path = app.options.plan_out;
  auto file = plan_head(program_version, utc_text(std::chrono::system_clock::now()),
                        deciding_words(app.called));
  file["clusters"] = std::move(clusters);
  const auto text = boost::json::serialize(file) + "\n";
  if (text.size() > most_plan_bytes) {
    throw Failure(ExitStatus::refused,
                  fmt::format("the plan has {} MiB, and {} may have {} at most", text.size() >> 20U,
                              path, most_plan_bytes >> 20U),
                  "save plans of fewer clusters");
  }
  // What is written can be read again.
  parse_saved_plan(text);
  check_replaceable(path);
  write_private(path, text);
  open_trusted(path);
  return fmt::format("The plan is saved in {}.", path);
}

void check_saved_plan(const Invocation& app, const Observation& seen, const PlanOptions& options,
                      const std::string& unchanged) {
  const auto& file = app.options.plan_file;
  const auto& cluster = seen.local.cluster;
  const auto* saved = app.host.saved_plan->find(cluster.id);
  auto advice = to_save_another(app);
  if (saved == nullptr) {
    throw Failure(FailureCode::plan_changed,
                  fmt::format("the plan saved in {} does not have {} ({}); {}", file,
                              cluster.display_name, cluster.id, unchanged),
                  std::move(advice));
  }
  check_same(*saved, parse_cluster_plan(cluster_plan(seen, options, app.redactor)), file, unchanged,
             std::move(advice));
}

void tell_saved_plan(Invocation& app) {
  const auto& plan = *app.host.saved_plan;
  Journal(app.events)
      .finding(fmt::format("the plan saved in {} (at {}, by retrust {}) still holds",
                           app.options.plan_file, plan.created, plan.retrust));
}

}  // namespace retrust
